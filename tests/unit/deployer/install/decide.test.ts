import { describe, expect, test } from "vitest";
import { decideInstall } from "../../../../deployer/install/decide.ts";
import type { InstallDecision, TargetFacts, Wanted } from "../../../../deployer/install/facts.ts";
import { fresh, installed, installer, marked, ordered, wanted } from "./decide-samples.ts";

const otherStack = "a host belongs to one stack: replace the server, or destroy it in the other stack first";

describe("an install", () => {
  test.each<[string, TargetFacts, InstallDecision]>([
    ["a fresh Debian on the server that was just ordered is installed", fresh, { do: "install" }],
    ...["ubuntu", "fedora", "rocky", "almalinux", "centos", "opensuse-leap"].map(
      (os): [string, TargetFacts, InstallDecision] => [
        `so is a fresh ${os}`,
        { ...fresh, os },
        { do: "install" },
      ],
    ),
    ["an installer that an earlier run left goes on", installer, { do: "resume", from: "disko" }],
    [
      "so does one whose disk is laid out",
      { ...installer, next: "install" },
      { do: "resume", from: "install" },
    ],
    ["a host with our marker is adopted", installed, { do: "adopt", rewrite: false }],
    [
      "so is one whose marker says more than ours",
      { ...installed, marker: marked({ installedAt: "2026-09-01" }) },
      { do: "adopt", rewrite: false },
    ],
    [
      "a base image with our marker, which somebody else put there, is refused",
      { ...fresh, marker: JSON.stringify(wanted) },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "a host of another stack is refused",
      { ...installed, marker: marked({ stack: "dev" }) },
      {
        do: "refuse",
        because:
          "it was installed as web1 of stack dev (server 4711), wanted is web1 of stack prod (server 4711)",
        next: otherStack,
      },
    ],
    [
      "another host of the same stack is refused",
      { ...installed, marker: marked({ host: "web2" }) },
      {
        do: "refuse",
        because:
          "it was installed as web2 of stack prod (server 4711), wanted is web1 of stack prod (server 4711)",
        next: otherStack,
      },
    ],
    [
      "a disk that came from another server is refused",
      { ...installed, marker: marked({ server: "4712" }) },
      {
        do: "refuse",
        because:
          "it was installed as web1 of stack prod (server 4712), wanted is web1 of stack prod (server 4711)",
        next: 'if this is that server\'s restored snapshot, set berth:hosts.web1.adopt to "4712" and run pulumi up again',
      },
    ],
    ...(
      [
        "",
        "not JSON",
        "{}",
        "null",
        '{"stack":"prod","host":"web1"}',
        '{"stack":1,"host":2,"server":3}',
      ] as const
    ).map((marker): [string, TargetFacts, InstallDecision] => [
      `a host with the foreign marker ${JSON.stringify(marker)} is refused`,
      { ...fresh, marker },
      {
        do: "refuse",
        because: "its /etc/berth/install.json is not one of ours",
        next: "replace the server",
      },
    ]),
    [
      "an installed host that lost its marker is refused",
      { ...installed, marker: null },
      {
        do: "refuse",
        because: "the host answers with the installed system's key but has no /etc/berth/install.json",
        next: `if the host is this stack's, write ${JSON.stringify(wanted)} into that file and run pulumi up again; else replace the server`,
      },
    ],
    [
      "an installer under the installed system's key is refused",
      { ...installer, identity: "lasting" },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "a base image under the installed system's key is refused",
      { ...fresh, identity: "lasting" },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "somebody's NixOS is refused",
      { ...fresh, os: "nixos" },
      {
        do: "refuse",
        because: "the host runs a NixOS that this stack did not install",
        next: "replace the server to install anew",
      },
    ],
    [
      "a system that no base image brings is refused",
      { ...fresh, os: "arch" },
      {
        do: "refuse",
        because: 'the host runs "arch", not a base image',
        next: "order the server with a base image such as debian-13",
      },
    ],
    ["a system without a name is refused", { ...fresh, os: "" }, expect.objectContaining({ do: "refuse" })],
  ])("on %s", (_, facts, expected) => {
    expect(decideInstall(facts, ordered)).toEqual(expected);
  });
});

describe("a restored snapshot", () => {
  const adopting: Wanted = { ...ordered, adopt: "4710" };
  const restored = { ...installed, marker: marked({ server: "4710" }) };

  test.each<[string, TargetFacts, Wanted, InstallDecision]>([
    ["of the server that `adopt` names is taken over", restored, adopting, { do: "adopt", rewrite: true }],
    [
      "of another one is refused",
      { ...restored, marker: marked({ server: "4709" }) },
      adopting,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of another host is refused, whatever its server",
      { ...restored, marker: marked({ server: "4710", host: "web2" }) },
      adopting,
      expect.objectContaining({ do: "refuse" }),
    ],
    ["that has been taken over is there", installed, adopting, { do: "adopt", rewrite: false }],
    [
      "that is not there yet is not installed over",
      fresh,
      adopting,
      {
        do: "refuse",
        because: "berth:hosts.web1.adopt says that it is the restored snapshot of server 4710, and it is not",
        next: "rebuild the server from that snapshot, or remove berth:hosts.web1.adopt to install it anew, and run pulumi up again",
      },
    ],
  ])("%s", (_, facts, want, expected) => {
    expect(decideInstall(facts, want)).toEqual(expected);
  });
});
