import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { RateLimit } from "../../lab/cloud/rate-limit.ts";
import type { EngineRun } from "../../lab/journey/pulumi.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type CloudStack, cloudStack, readonlyToken } from "./cloud-stack.ts";
import { inlineUp } from "./inline.ts";

/** Hardware alone: the installation would wait for a machine, and this cloud's servers are only a table. */
const hardware = "**web1-installation-install";
const host = { system: "web", server: { type: "cx23", location: "fsn1", backups: true } };

let stack: CloudStack;
beforeAll(async () => {
  // An allowance that is back soon after it was used up.
  stack = await cloudStack(join(checkout, ".lab-bad-input"), { rateLimit: new RateLimit(3600, 20) });
  for (const [name, value] of Object.entries(stack.env)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stack?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const what of ["faults", "limits", "sold-out"]) await stack.cloud.delete(`/lab/${what}`);
  await stack.configure({ "berth:hosts": { web1: host } });
});

const preview = (variables?: Record<string, string>) => stack.engine(variables).run(["preview"]);
const up = (variables?: Record<string, string>) =>
  stack
    .engine(variables)
    .run(["up", "--yes", "--skip-preview", "--exclude", hardware, "--exclude-dependents"]);
const advisedUp = () => inlineUp(stack.env, [hardware]);

/** What went wrong as a person reads it; nothing in it may be the program's inner life. */
function told(run: EngineRun): string {
  expect(run.exitCode, run.output).not.toBe(0);
  expect(run.output).not.toMatch(/\bat .*\.[jt]s:\d+|\[object Object\]|undefined/);
  for (const secret of [stack.env.HCLOUD_TOKEN ?? "", readonlyToken, "PRIVATE KEY"])
    expect(run.output).not.toContain(secret);
  return run.output.slice(run.output.indexOf("Diagnostics:"));
}
const errorsIn = (text: string) => text.match(/^ +error: .*/gm) ?? [];
/** What the cloud was asked to change since the last look. */
const writes = () =>
  stack.cloud.requests
    .splice(0)
    .filter(({ method, status }) => method !== "GET" && status < 400)
    .map(({ method, path }) => `${method} ${path}`);

const kinds = ["ssh_keys", "primary_ips", "firewalls", "servers"];
const inCloud = async () => {
  const lists = await Promise.all(
    kinds.map(async (kind) => (await stack.cloud.get(`/${kind}`)).at(kind) as { id: number; name: string }[]),
  );
  return lists.flat();
};
/** What is at the cloud and not in the stack's state. */
async function orphans(): Promise<string[]> {
  const known = await stack.knownIds();
  return (await inCloud()).filter(({ id }) => !known.includes(String(id))).map(({ name }) => name);
}
const everything = [
  "berth-lab",
  "lab-web1",
  "lab-web1-ipv4-fsn1",
  "lab-web1-ipv6-fsn1",
  "lab-web1-open",
  "lab-web1-ssh",
];
const names = async () => (await inCloud()).map(({ name }) => name).sort();

describe("before anything is ordered", () => {
  test("a missing token is told once, after what can be told without one", async () => {
    for (const run of [await preview({ HCLOUD_TOKEN: "" }), await up({ HCLOUD_TOKEN: "" })]) {
      const text = told(run);
      expect(text).toContain("web1: 7.09 EUR/month (server cx23 5.49, backups 1.10, IPv4 0.50)");
      expect(text).toContain("Net prices of the price list of September 2026 that comes with Berth.");
      expect(errorsIn(text)).toEqual([
        expect.stringContaining("neither hcloud:token nor HCLOUD_TOKEN is set"),
      ]);
      expect(text).toContain(
        "Next: make one in Hetzner's console, project > Security > API tokens, with read and write",
      );
    }
  });

  test("a token that is none, or a wrong one, is told with where it is from", async () => {
    expect(errorsIn(told(await preview({ HCLOUD_TOKEN: "abc" })))).toEqual([
      expect.stringMatching(
        /HCLOUD_TOKEN: it has 3 characters, and Hetzner's have 64\. Nothing .* Next: make one/,
      ),
    ]);
    expect(errorsIn(told(await preview({ HCLOUD_TOKEN: "w".repeat(64) })))).toEqual([
      expect.stringMatching(
        /the token of HCLOUD_TOKEN is refused \(401 unauthorized: .*\)\. Nothing .* Next: make one/,
      ),
    ]);
  });

  test("a token that may only read is enough for a preview, and refused before the first order", async () => {
    const looked = await preview({ HCLOUD_TOKEN: readonlyToken });
    expect(looked.exitCode, looked.output).toBe(0);
    expect(looked.output).toMatch(
      /warning: The API token of HCLOUD_TOKEN may only read\. .* with read and write/,
    );
    writes();
    expect(errorsIn(told(await up({ HCLOUD_TOKEN: readonlyToken })))).toEqual([
      expect.stringMatching(
        /HCLOUD_TOKEN: it may only read\. Nothing was created or changed\. Next: .* with read and write/,
      ),
    ]);
    expect(writes()).toEqual([]);
  });

  test("a type that is sold out is told with what fits, the cheapest first, and its prices", async () => {
    await stack.cloud.post("/lab/sold-out", { server_type: "cx23", location: "fsn1", sold_out: true });
    expect(told(await preview())).toContain(
      "berth:hosts.web1.server.type: cx23 is sold out in fsn1 for now; it is in nbg1 at 5.49 EUR, hel1 at 5.49 EUR; what else fits: cx33 in fsn1 at 8.49 EUR, cx43 in fsn1 at 15.99 EUR, ",
    );
  });

  test("a name that somebody else's server has is told", async () => {
    const ordered = await stack.cloud.post("/servers", {
      name: "lab-web1",
      server_type: "cx23",
      image: "debian-13",
      location: "fsn1",
    });
    expect(told(await preview())).toContain(
      'berth:hosts.web1: the project has a server "lab-web1" already that is not of this stack; name the host otherwise, or delete or rename that server',
    );
    await stack.cloud.delete(`/servers/${ordered.number("server.id")}`);
  });

  test("an allowance that is used up is waited for, and said", async () => {
    await stack.cloud.post("/lab/faults", { path: "/pricing", code: "rate_limit_exceeded" });
    const run = await preview();
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toMatch(
      /Hetzner's API has had too many requests of this project's tokens: waiting \d+ s/,
    );
  });

  test("an API that is down is told with what it answers", async () => {
    await stack.cloud.post("/lab/faults", { path: "/server_types", status: 503, times: 9 });
    expect(errorsIn(told(await preview()))).toEqual([
      expect.stringMatching(
        /GET http:.*\/server_types.*: 503 Service Unavailable, 4 times\. Nothing was created .* Next: Hetzner tells of outages/,
      ),
    ]);
  });
});

describe("an API that is down half-way", () => {
  test("leaves nothing that the state does not know, and the next update goes on from there", async () => {
    let runs = 0;
    for (let done = false; !done && runs < 12; runs++) {
      // Two changes pass in every run, then none.
      await stack.cloud.delete("/lab/faults");
      for (const method of ["POST", "PUT"])
        await stack.cloud.post("/lab/faults", {
          path: "/(?!ssh_keys).*",
          method,
          skip: 2,
          status: 503,
          times: 99,
        });
      const run = await up();
      done = run.exitCode === 0;
      if (!done) expect(told(run)).toMatch(/status code 503/);
      expect(await orphans()).toEqual([]);
    }
    expect(runs).toBeGreaterThan(2);
    expect(await names()).toEqual(everything);
    expect((await stack.cloud.get("/servers")).at("servers.0")).toMatchObject({
      status: "running",
      backup_window: "22-02",
    });
  });

  test("and what is whole stays as it is", async () => {
    writes();
    const run = await up();
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect(writes()).toEqual([]);
  });

  test("an end that is interrupted is ended by the next", async () => {
    const refused = { path: "/firewalls/\\d+", method: "DELETE", skip: 1, status: 503, times: 99 };
    await stack.cloud.post("/lab/faults", refused);
    const destroy = () => stack.engine().run(["destroy", "--yes", "--skip-preview"]);
    expect((await destroy()).exitCode).not.toBe(0);
    expect(await orphans()).toEqual([]);
    expect(await names()).not.toEqual([]);
    await stack.cloud.delete("/lab/faults");
    const run = await destroy();
    expect(run.exitCode, run.output).toBe(0);
    expect(await names()).toEqual([]);
  });
});

describe("what Hetzner refuses during an update is told with what to do, and the next update goes on", () => {
  test("a name that something else has", async () => {
    const other = await stack.cloud.post("/firewalls", { name: "lab-web1-ssh" });
    const run = await advisedUp();
    await stack.cloud.delete(`/firewalls/${other.number("firewall.id")}`);
    const text = told(run);
    expect(text).toContain("firewall name is already used (uniqueness_error,");
    expect(text).toMatch(/web1-hardware-ssh-firewall: something in the project .* has this name or value/);
    expect(await orphans()).toEqual([]);
  });

  test("a limit of the project", async () => {
    await stack.cloud.post("/lab/limits", { servers: 0 });
    const text = told(await advisedUp());
    expect(text).toMatch(
      /web1-hardware-server: the project has as much as it may \(server limit reached\): .* ask for more .* run pulumi up again/,
    );
    expect(await orphans()).toEqual([]);
  });

  test("a type that is gone since the catalogue was read: what fits, the cheapest first", async () => {
    await stack.cloud.post("/lab/faults", { path: "/servers", method: "POST", code: "resource_unavailable" });
    const text = told(await advisedUp());
    expect(text).toMatch(
      /web1-hardware-server: cx23 is sold out in fsn1 at the moment\. What fits in its place: cx33 in fsn1 at 8\.49 EUR, cx43 in fsn1 at 15\.99 EUR, .*Set berth:hosts\.web1\.server/,
    );
    expect(await orphans()).toEqual([]);
  });

  test("an order whose answer was lost: it is named, and deleted by whom it belongs to", async () => {
    await stack.cloud.post("/lab/faults", {
      path: "/servers",
      method: "POST",
      when: "after",
      instead: "drop",
    });
    expect(told(await advisedUp())).toMatch(
      /web1-hardware-server: Hetzner's API does not answer as it should/,
    );
    expect(await orphans()).toEqual(["lab-web1"]);
    const text = told(await advisedUp());
    expect(text).toMatch(
      /web1-hardware-server: .* labelled berth-stack=lab and as new as the last update, .* delete it/,
    );
    const [server] = (await stack.cloud.get("/servers?label_selector=berth-stack=lab")).at("servers") as {
      id: number;
    }[];
    await stack.cloud.delete(`/servers/${server?.id}`);
    expect(await orphans()).toEqual([]);
  });

  test("too many requests: the provider waits, and the update is completed", async () => {
    await stack.cloud.post("/lab/faults", {
      path: "/servers",
      method: "POST",
      code: "rate_limit_exceeded",
      times: 2,
    });
    const run = await up();
    expect(run.exitCode, run.output).toBe(0);
    expect(await names()).toEqual(everything);
    expect(await orphans()).toEqual([]);
  });
});
