import { expect, test } from "vitest";
import { reachOf } from "../../../lab/ssh.ts";
import { type LabStatus, statusLines } from "../../../lab/status.ts";

const up: LabStatus = {
  folder: "/x/.lab",
  exists: true,
  cloud: { pid: 7, url: "http://127.0.0.1:4000/v1" },
  machines: { pid: 8, namespace: "berth-1a2b", bridge: "bridge", ipv4: "10.1.2.0/24", ipv6: "fd00::/48" },
  servers: [
    {
      id: 1,
      name: "web1",
      ipv4: "10.1.2.10",
      ipv6: "fd00:0:0:1::/64",
      state: "running",
      system: "installed",
    },
    { id: 12345, name: "a-longer-name", ipv4: null, ipv6: null, state: "off", system: "-" },
  ],
};

test("the status of a lab that is up shows its processes, its network and each server in columns", () => {
  expect(statusLines(up)).toEqual([
    "lab       /x/.lab",
    "cloud     http://127.0.0.1:4000/v1 (process 7)",
    "machines  up (process 8)",
    "network   10.1.2.0/24, fd00::/48 in namespace berth-1a2b",
    "",
    "server         id     ipv4       ipv6             state    system",
    "web1           1      10.1.2.10  fd00:0:0:1::/64  running  installed",
    "a-longer-name  12345  -          -                off      -",
  ]);
});

test("a lab without a cloud says nothing of servers, and one that is not there says how to get it", () => {
  const down = { ...up, cloud: undefined, machines: undefined, servers: undefined };
  expect(statusLines(down)).toEqual([
    "lab       /x/.lab",
    "cloud     down",
    "machines  down",
    "network   none",
  ]);
  expect(statusLines({ ...down, exists: false })).toEqual([
    "lab       /x/.lab: not there. Next: npm run lab -- up",
  ]);
});

const outputs = {
  url: "http://x",
  loginKey: "-----BEGIN OPENSSH PRIVATE KEY-----",
  hosts: { web1: { address: "10.1.2.10", hostKey: "ssh-ed25519 AAAA", release: "/nix/store/x" } },
};

test("a host is reached at the address and with the keys of the stack's outputs", () => {
  expect(reachOf(outputs, "web1")).toMatchObject({
    address: "10.1.2.10",
    hostKey: "ssh-ed25519 AAAA",
    loginKey: outputs.loginKey,
  });
});

test("a host the stack does not have is refused with those it has, a stack without outputs with what to do", () => {
  expect(() => reachOf(outputs, "web2")).toThrow('no host "web2"; it has: web1');
  expect(() => reachOf({}, "web1")).toThrow("Next: pulumi up -s lab");
});
