import { describe, expect, test } from "vitest";
import { compare, type HostDiff, stepsIn, describe as tell, toBuild } from "../../../cli/diff.ts";

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

describe("a host that the update leaves as it is", () => {
  const urn = "urn:pulumi:prod::berth::berth:deploy:Deployment::web1-deployment";
  const wanted = {
    host: "web1",
    toplevel: "/nix/store/b-wanted",
    drvPath: "/nix/store/b.drv",
    machineId: "1",
  };
  const runs = "/nix/store/a-by-hand";
  const held = { toplevel: wanted.toplevel, since: "2026-01-01T00:00:00Z", by: "ada", why: "it is broken" };
  const stepOf = (inputs: object, outputs: object) => {
    const [step] = stepsIn([
      {
        urn,
        // A preview may leave out what a step will have put out.
        newState: { inputs: { ...wanted, ...inputs } },
        oldState: { inputs: wanted, outputs: { ...wanted, release: runs, ...outputs } },
      },
    ]);
    return step;
  };

  test("is one that was rolled back by hand from what is wanted", () => {
    const step = stepOf({}, { held });
    expect(step).toMatchObject({ before: runs, toplevel: runs });
    expect(step?.stays).toContain("rolled back by hand by ada");
    expect(stepOf({}, { held: { ...held, toplevel: "/nix/store/c-other" } })).toMatchObject({
      before: runs,
      toplevel: wanted.toplevel,
      stays: undefined,
    });
  });

  test("is one that somebody else has switched where drift is reported, until there is another release", () => {
    const step = stepOf({ drift: "report" }, {});
    expect(step).toMatchObject({ before: runs, toplevel: runs });
    expect(step?.stays).toContain("drift: report");
    const newer = { drift: "report", toplevel: "/nix/store/c-newer" };
    for (const due of [stepOf({}, {}), stepOf(newer, {})]) expect(due?.stays).toBeUndefined();
    expect(stepOf(newer, {})).toMatchObject({ toplevel: "/nix/store/c-newer" });
  });

  test("is told with why it stays", () => {
    const diff: HostDiff = { host: "web1", before: runs, after: runs, what: "held", because: "ada said so" };
    expect(tell(diff).split("\n")).toEqual(["web1: held, ada said so", `  ${runs}`, ""]);
  });
});

describe("a system that is not built yet", () => {
  const builder = {
    name: "arm",
    address: "198.51.100.9",
    port: 22,
    user: "nix",
    hostKey: "ssh-ed25519 AAAA",
  };
  const stepOf = (host: string, builds: object | undefined, release?: string) => ({
    urn: `urn:pulumi:prod::berth::berth:deploy:Deployment::${host}-deployment`,
    newState: {
      inputs: { host, toplevel: `/nix/store/new-${host}`, drvPath: `/nix/store/${host}.drv`, builds },
    },
    oldState: { outputs: { release } },
  });

  test("is built where the update builds it, and not at all where the host does", () => {
    const steps = stepsIn([
      stepOf("here", undefined, "/nix/store/old"),
      stepOf("there", { on: "builder", builder, caches: [], keep: 5 }, "/nix/store/old"),
      stepOf("itself", { on: "target", caches: [], keep: 5 }, "/nix/store/old"),
      stepOf("not-yet-itself", { on: "target", caches: [], keep: 5 }),
    ]);
    expect(toBuild(steps).map((one) => [one.host, one.builder?.name])).toEqual([
      ["here", undefined],
      ["not-yet-itself", undefined],
      ["there", "arm"],
    ]);
  });

  test("of a host that builds it itself is not said to be had by --build", async () => {
    const [step] = stepsIn([stepOf("itself", { on: "target", caches: [], keep: 5 }, "/nix/store/old")]);
    if (!step) throw new Error("there is no step");
    const { unknown } = await compare(step);
    expect(unknown).toContain("builds the new system itself");
    expect(unknown).not.toContain("--build");
  });
});
