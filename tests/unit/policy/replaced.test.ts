import { expect, test } from "vitest";
import { type StackResource, types } from "../../../policy/resource.ts";
import { replaced } from "../../../policy/rules/replaced.ts";
import { inStack, unknown } from "./resources.ts";

interface Host {
  /** Hetzner's id of its server. */
  server: string;
  /** The release before, as its deployment has it. */
  previous?: string;
  /** Hetzner's id of the firewall that is made after the deployment. */
  closing: string;
  /** Deployments of other hosts that its own comes after. */
  after?: StackResource[];
}

function host(name: string, { server, previous, closing, after = [] }: Host) {
  const component = inStack(types.host, name, {});
  const hardware = inStack("berth:hetzner:Server", `${name}-hardware`, {}, { parent: component });
  const machine = inStack(types.server, `${name}-server`, { id: server }, { parent: hardware });
  const attachment = inStack(
    "hcloud:index/firewallAttachment:FirewallAttachment",
    `${name}-attachment`,
    { id: server },
    { parent: hardware, after: [machine] },
  );
  const deployment = inStack(
    types.deployment,
    `${name}-deployment`,
    { host: name, previous },
    { parent: component, after: [machine, ...after] },
  );
  const firewall = inStack(
    types.firewall,
    `${name}-closing`,
    { id: closing },
    { parent: component, after: [deployment] },
  );
  return { deployment, all: [component, hardware, machine, attachment, deployment, firewall] };
}

const said = (resources: StackResource[], allow: string[] = []) =>
  replaced(resources, allow).map(({ message }) => /^the (.*) would be replaced/.exec(message)?.[1]);

const running: Host = { server: "1", previous: "/nix/store/old", closing: "2" };

test.each<[string, Host, string[]]>([
  ["nothing is there yet", { server: unknown, previous: unknown, closing: unknown }, []],
  ["everything is there", running, []],
  ["the first release failed", { ...running, previous: undefined, closing: unknown }, []],
  ["another server", { ...running, server: unknown }, ["server of web1"]],
  ["another deployment", { ...running, previous: undefined }, ["deployment of web1"]],
  ["both", { ...running, server: unknown, previous: undefined }, ["server of web1", "deployment of web1"]],
])("%s", (_, state, expected) => {
  expect(said(host("web1", state).all)).toEqual(expected);
});

test("a host that the settings name may be replaced, and no other", () => {
  const moved = { ...running, server: unknown };
  const all = [...host("web1", moved).all, ...host("web2", moved).all];
  expect(said(all, ["web1"])).toEqual(["server of web2"]);
  expect(said(all, ["web*"])).toEqual([]);
});

test("a new host that is deployed to before those there are is not taken for another's", () => {
  const fresh = host("web0", { server: unknown, previous: unknown, closing: unknown });
  expect(said([...fresh.all, ...host("web1", { ...running, after: [fresh.deployment] }).all])).toEqual([]);
});

test("the message says what showed it, and what to do", () => {
  const [violation] = replaced(host("web1", { ...running, server: unknown }).all, []);
  expect(violation?.urn).toContain("web1-server");
  expect(violation?.message).toMatch(/web1-deployment, which is made after it, is there\. Next: .*name web1/);
});

test("dependencies that lead in a circle end", () => {
  const { all, deployment } = host("web1", { ...running, server: unknown });
  (deployment.dependencies as StackResource[]).push(deployment);
  expect(said(all)).toEqual(["server of web1"]);
});

test("a server outside of any host has nothing that could show it", () => {
  const machine = inStack(types.server, "alone", { id: unknown });
  const volume = inStack(types.volume, "data", { id: "7" }, { after: [machine] });
  expect(said([machine, volume])).toEqual([]);
});
