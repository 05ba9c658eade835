import { expect, test } from "vitest";
import { type HostDiff, stepsIn, describe as tell } from "../../../cli/diff.ts";

const known = { host: "web1", before: "/nix/store/a-old", after: "/nix/store/b-new" };

test.each<[string, HostDiff, string[]]>([
  [
    "a host that stays as it is",
    { host: "web1", before: "/nix/store/a", after: "/nix/store/a", what: "nothing" },
    ["web1: nothing", "  /nix/store/a", ""],
  ],
  [
    "a first deployment with its size",
    { host: "web1", after: "/nix/store/b-new", what: "first deployment", bytes: 1_500_000 },
    ["web1: first deployment", "  nothing", "  → /nix/store/b-new", "  Size: 1.5 MB", ""],
  ],
  [
    "what is not known, with the word that makes it known",
    { ...known, what: "switch, changes unknown", unknown: "it is not built: berth diff --build" },
    [
      "web1: switch, changes unknown",
      "  /nix/store/a-old",
      "  → /nix/store/b-new",
      "  What changes is not known: it is not built: berth diff --build",
      "",
    ],
  ],
  [
    "a switch with its packages, units, reboot and size",
    {
      ...known,
      what: "switch, reboot due",
      change: {
        closure: {
          added: [],
          removed: [],
          changed: [{ name: "openssl", before: ["3.0"], after: ["3.1"], bytes: 1000 }],
          bytesBefore: 1_000_000,
          bytesAfter: 1_001_000,
        },
        units: [{ unit: "site.service", verb: "restart" }],
        reboot: ["kernel"],
      },
    },
    [
      "web1: switch, reboot due",
      "  /nix/store/a-old",
      "  → /nix/store/b-new",
      "  Changed:",
      "    openssl: 3.0 -> 3.1, +1.0 kB",
      "  Units:",
      "    restart site.service",
      "  A reboot is due for:",
      "    kernel",
      "  Size: 1.0 MB -> 1.0 MB (+1.0 kB)",
      "",
    ],
  ],
])("the difference tells %s", (_, diff, lines) => {
  expect(tell(diff).split("\n")).toEqual(lines);
});

test("a host that is left as it is changes nothing, whatever is wanted of it", () => {
  const urn = "urn:pulumi:prod::berth::berth:deploy:Deployment::web1-deployment";
  const inputs = { host: "web1", toplevel: "/nix/store/b-wanted", drvPath: "/nix/store/b.drv" };
  const step = (after: string) => ({
    urn,
    newState: { inputs, outputs: { release: after } },
    oldState: { outputs: { release: "/nix/store/a-by-hand" } },
  });
  const of = (after: string) => stepsIn([step(after)]).map(({ before, toplevel }) => [before, toplevel]);
  expect(of("/nix/store/a-by-hand")).toEqual([["/nix/store/a-by-hand", "/nix/store/a-by-hand"]]);
  expect(of("/nix/store/b-wanted")).toEqual([["/nix/store/a-by-hand", "/nix/store/b-wanted"]]);
});
