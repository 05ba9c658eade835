import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideInstall,
  type InstallDecision,
  type Marker,
  type TargetFacts,
} from "../../../../deployer/install/decide.ts";

const wanted: Marker = { stack: "prod", host: "web1", server: "4711" };
const fresh: TargetFacts = { identity: "bootstrap", os: "debian", variant: "", marker: null };
const installed: TargetFacts = {
  identity: "lasting",
  os: "nixos",
  variant: "",
  marker: JSON.stringify(wanted),
};
const installer: TargetFacts = { identity: "bootstrap", os: "nixos", variant: "installer", marker: null };
const marked = (changes: object) => JSON.stringify({ ...wanted, ...changes });

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
    ["an installer that an earlier run left goes on", installer, { do: "resume" }],
    ["a host with our marker is adopted", installed, { do: "adopt" }],
    [
      "so is one whose marker says more than ours",
      { ...installed, marker: marked({ installedAt: "2026-09-01" }) },
      { do: "adopt" },
    ],
    [
      "a base image with our marker is adopted, not wiped",
      { ...fresh, marker: JSON.stringify(wanted) },
      { do: "adopt" },
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
        next: otherStack,
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
      { do: "refuse", because: "its /etc/berth/install.json is not one of ours", next: otherStack },
    ]),
    [
      "an installed host that lost its marker is refused",
      { ...installed, marker: null },
      {
        do: "refuse",
        because: "the host answers with the installed system's key but has no /etc/berth/install.json",
        next: "put the marker back if the host is this stack's, or replace the server",
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
    expect(decideInstall(facts, wanted)).toEqual(expected);
  });

  test("wipes nothing but a base image or the installer, unmarked, reached by the bootstrap key", () => {
    const bases = ["debian", "ubuntu", "fedora", "rocky", "almalinux", "centos", "opensuse-leap"];
    const facts: fc.Arbitrary<TargetFacts> = fc.record({
      identity: fc.constantFrom("bootstrap", "lasting"),
      os: fc.oneof(fc.constantFrom(...bases, "nixos", "Debian", "debian "), fc.string()),
      variant: fc.oneof(fc.constantFrom("", "installer"), fc.string()),
      marker: fc.oneof(
        fc.constant(null),
        fc.string(),
        fc.json(),
        fc
          .record({
            stack: fc.constantFrom("prod", "dev"),
            host: fc.constantFrom("web1", "web2"),
            server: fc.oneof(fc.constantFrom("4711", "4712"), fc.integer()),
          })
          .map((one) => JSON.stringify(one)),
      ),
    });
    fc.assert(
      fc.property(facts, (found) => {
        const decision = decideInstall(found, wanted);
        if (decision.do !== "install" && decision.do !== "resume") return;
        expect(found.identity).toBe("bootstrap");
        expect(found.marker).toBeNull();
        if (decision.do === "install") expect(bases).toContain(found.os);
        else expect([found.os, found.variant]).toEqual(["nixos", "installer"]);
      }),
      { numRuns: 2_000 },
    );
  });
});
