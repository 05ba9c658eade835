import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifest } from "../../../config/manifest.ts";
import { type Lab, up } from "../../../lab/lab.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { Host } from "./host.ts";

let folder: string;
let lab: Lab;
let host: Host;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-metadata-"));
  lab = await up();
  host = await Host.order(`metadata-${process.pid}`, folder, lab);
  const evaluated = await host.local("nix", ["eval", "--json", `path:${lab.places.flake}#berth.hosts`]);
  const { web } = manifest.parse(JSON.parse(evaluated.stdout));
  if (!web?.kexecTarball) throw new Error("the closed-world flake has no host web with an installer");
  const { toplevel, diskoScript, kexecTarball } = web;
  const built = [toplevel, diskoScript, kexecTarball].map(({ drvPath }) => `${drvPath}^out`);
  const result = await host.local("nix", ["build", "--no-link", ...built]);
  if (result.exitCode !== 0) throw new Error(result.all);
  const installed = await host.local(join(checkout, "lab/stand-ins/nixos-anywhere"), [
    ...["--store-paths", diskoScript.out, toplevel.out, "--kexec", kexecTarball.out],
    ...["--build-on", "local", "-i", host.login.file, "--extra-files", host.extraFiles],
    ...["--target-host", `root@${host.address}`],
  ]);
  if (installed.exitCode !== 0) throw new Error(installed.all);
  host.expectLastingKey();
  await host.answers("systemctl is-system-running --wait");
}, 300_000);

afterAll(async () => {
  await host?.remove();
  await rm(folder, { recursive: true, force: true });
});

const curl = "curl --silent --show-error --fail --max-time 5 http://169.254.169.254/hetzner/v1/userdata";

/** Asks for the user data from a unit of its own with these properties; what it printed and how it ended. */
const fromService = (...properties: string[]) =>
  host.run(
    `systemd-run --quiet --pipe --wait --collect ${properties.map((p) => `-p ${p}`).join(" ")} ${curl}`,
  );

test("root reads the user data, over ssh and from a service", async () => {
  expect((await host.run(curl)).stdout).toContain("ssh_authorized_keys");
  expect((await fromService()).stdout).toContain("ssh_authorized_keys");
});

test.each([
  ["a service with a user of its own making", ["DynamicUser=yes"]],
  ["a service of nobody's", ["User=nobody"]],
  ["a service whose root is a user of the host", ["User=nobody", "PrivateUsers=yes"]],
])("%s gets no user data, and is told at once", async (_, properties) => {
  const { code, stdout, all } = await fromService(...properties);
  expect(stdout).toBe("");
  expect(code, all).not.toBe(0);
  // Not a time-out: a program that asks must not hang for it.
  expect(all).not.toContain("timed out");
});

test("a container gets no user data, though it is root inside and reaches the host", async () => {
  const container = [
    "set -eu",
    "unshare --net sleep 60 >/dev/null 2>&1 & inside=$!",
    "trap 'kill $inside' EXIT",
    'until [ "$(readlink /proc/$inside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done',
    "ip link add guest type veth peer name eth0 netns $inside",
    "ip address add 198.51.100.1/24 dev guest",
    "ip link set guest up",
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
    'guest() { nsenter --target "$inside" --net -- "$@"; }',
    "guest ip address add 198.51.100.2/24 dev eth0",
    "guest ip link set eth0 up",
    "guest ip route add default via 198.51.100.1",
    "guest curl --silent --output /dev/null --max-time 5 http://198.51.100.1/healthz && echo reaches the host",
    // Without the rule the way is open: the packet is routed to the cloud's network.
    "guest ip route get 169.254.169.254 >/dev/null && echo has a route",
    `guest ${curl} && echo reaches the cloud`,
    "ip route get 169.254.169.254 from 198.51.100.2 iif guest || echo the way ends here",
  ].join("\n");
  const { all } = await host.run(container);
  expect(all).toContain("reaches the host");
  expect(all).toContain("has a route");
  expect(all).not.toContain("reaches the cloud");
  expect(all).toContain("the way ends here");
});
