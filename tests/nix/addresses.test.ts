import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { has, output, repository } from "./nix.ts";

// The script a Hetzner host runs at boot, against a metadata service on loopback and with networkd's commands recorded.
const script = join(repository, "nixos/profiles/hetzner/addresses.sh");

const full = `availability-zone: fsn1-dc14
hostname: web-1
instance-id: 4711
network-config:
  config:
  - mac_address: 96:00:00:aa:bb:cc
    name: eth0
    subnets:
    - dns_nameservers:
      - 185.12.64.1
      ipv4: true
      type: dhcp
    - address: 2a01:4f8:c17:1::1/64
      dns_nameservers:
      - 2a01:4ff:ff00::add:1
      gateway: fe80::1
      ipv6: true
      type: static
    type: physical
  version: 1
public-ipv4: 203.0.113.7
`;

let metadata = full;
const server = createServer((_, answer) => answer.end(metadata));
let url = "";
let folder = "";

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}/`;
});
afterAll(() => server.close());

beforeEach(async () => {
  metadata = full;
  if (folder) await rm(folder, { recursive: true });
  folder = await mkdtemp(join(tmpdir(), "berth-addresses-"));
  for (const command of ["hostnamectl", "networkctl"]) {
    await writeFile(join(folder, command), `#!/bin/sh\necho ${command} "$@" >>${folder}/commands\n`);
    await chmod(join(folder, command), 0o755);
  }
});

async function boot() {
  return await execa("sh", [script, url, join(folder, "network")], {
    env: { PATH: `${folder}:${process.env.PATH}`, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
    reject: false,
    timeout: 60_000,
  });
}
const commands = async () =>
  (await readFile(join(folder, "commands"), "utf8").catch(() => "")).trim().split("\n");
const unit = () => readFile(join(folder, "network/05-public.network"), "utf8");

test("the public interface gets the IPv6 address that DHCP does not give, and the host its name", async () => {
  expect((await boot()).exitCode).toBe(0);
  expect(await unit()).toBe(
    [
      "[Match]\nMACAddress=96:00:00:aa:bb:cc\n",
      "[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nAddress=2a01:4f8:c17:1::1/64\n",
      "[Route]\nGateway=fe80::1\nGatewayOnLink=yes\n",
    ].join("\n"),
  );
  expect(await commands()).toEqual(["hostnamectl hostname --transient web-1", "networkctl reload"]);
});

test("running it again leaves the network alone", async () => {
  await boot();
  await boot();
  expect((await commands()).filter((command) => command === "networkctl reload")).toHaveLength(1);
});

test("a server without IPv6 keeps its DHCP and the boot goes on", async () => {
  metadata = full.replace(/ {4}- address:.*?static\n/s, "");
  const ended = await boot();
  expect(ended.exitCode).toBe(0);
  expect(ended.stdout).toContain("no IPv6 address");
  await expect(unit()).rejects.toThrow("ENOENT");
});

test.each([
  ["a MAC address that is none", "96:00:00:aa:bb:cc", "$(reboot)"],
  ["no MAC address", "- mac_address: 96:00:00:aa:bb:cc", "- other: 1"],
])("with %s nothing is written and the unit fails", async (_, from, to) => {
  metadata = full.replace(from, to);
  const ended = await boot();
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toContain("no MAC address");
  await expect(unit()).rejects.toThrow("ENOENT");
});

test("a host name that could be a command is not used", async () => {
  metadata = full.replace("web-1", "web; reboot");
  expect((await boot()).stderr).toContain("no usable host name");
  expect(await commands()).toEqual(["networkctl reload"]);
});

test("shellcheck finds nothing in it", async (ctx) => {
  if (!(await has("shellcheck"))) return ctx.skip("needs shellcheck on PATH");
  await output("shellcheck", [script]);
});
