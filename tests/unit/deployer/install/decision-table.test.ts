import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Rule, ruleFor, rules } from "../../../../deployer/install/decide.ts";
import {
  type Marker,
  marker,
  reinstallToken,
  type TargetFacts,
  type Wanted,
} from "../../../../deployer/install/facts.ts";
import type { Disks } from "../../../../deployer/remote/scripts.ts";

/** One of each kind of everything that can be found and wanted: all of them with all of them. */
const ours: Marker = { stack: "prod", host: "web1", server: "4711" };
const value = "new layout";
const text = (changes: object) => JSON.stringify({ ...ours, ...changes });

const sda = { name: "sda", size: 40e9, ids: ["ata-A"], serial: "A", holds: "ext4" };
const sdb = { ...sda, name: "sdb", ids: ["ata-B"], serial: "B" };
const found: Record<string, Disks | null> = {
  meant: { disks: [sda], layout: [{ device: "/dev/sda", disk: "sda" }], volumes: [] },
  small: { disks: [{ ...sda, size: 10e9 }], layout: [{ device: "/dev/sda", disk: "sda" }], volumes: [] },
  volume: {
    disks: [{ ...sda, ids: ["scsi-0HC_Volume_1"] }],
    layout: [{ device: "/dev/sda", disk: "sda" }],
    volumes: ["scsi-0HC_Volume_1"],
  },
  letter: { disks: [sda, sdb], layout: [{ device: "/dev/sdb", disk: "sdb" }], volumes: [] },
  missing: { disks: [sda], layout: [{ device: "/dev/vda", disk: "" }], volumes: [] },
  none: { disks: [], layout: [{ device: "/dev/sda", disk: "" }], volumes: [] },
  unseen: null,
};

const axes = {
  identity: ["bootstrap", "lasting"] as const,
  system: [
    { os: "debian", variant: "" },
    { os: "nixos", variant: "" },
    { os: "nixos", variant: "installer" },
    { os: "arch", variant: "" },
  ],
  marker: [
    null,
    "no JSON",
    text({}),
    text({ reinstall: value }),
    text({ reinstall: "older" }),
    text({ stack: "dev" }),
    text({ host: "web2" }),
    text({ server: "4710" }),
    text({ server: "4709" }),
  ],
  machine: [
    { machine: "x86_64", memory: 4e9 },
    { machine: "aarch64", memory: 4e9 },
    { machine: "x86_64", memory: 1.3e9 },
  ],
  disks: Object.keys(found),
  next: ["disko", "reboot"] as const,
  bootedBy: [[], [reinstallToken(ours, value)], [reinstallToken(ours, "older")]],
  ordered: [true, false],
  erase: [[], ["A", "B", "scsi-0HC_Volume_1"]],
  reinstall: [null, { server: "4711", value }, { server: "4712", value }],
  adopt: [null, "4710"],
};

type Combination = { [Axis in keyof typeof axes]: (typeof axes)[Axis][number] };

function* combinations(): Generator<Combination> {
  const names = Object.keys(axes) as (keyof typeof axes)[];
  const counts = names.map((name) => axes[name].length);
  const total = counts.reduce((product, count) => product * count, 1);
  for (let index = 0; index < total; index++) {
    let rest = index;
    const one: Record<string, unknown> = {};
    for (const [place, name] of names.entries()) {
      const count = counts[place] ?? 1;
      one[name] = axes[name][rest % count];
      rest = Math.floor(rest / count);
    }
    yield one as Combination;
  }
}

function caseOf(one: Combination): { facts: TargetFacts; wanted: Wanted } {
  const { identity, system, machine, disks, next, bootedBy } = one;
  return {
    facts: {
      ...{ identity, ...system, ...machine, next, bootedBy },
      marker: one.marker,
      disks: found[disks] ?? null,
    },
    wanted: {
      ...{ marker: ours, ordered: one.ordered, erase: one.erase, reinstall: one.reinstall, adopt: one.adopt },
      system: "x86_64-linux",
      requires: { disk: 20, memory: 1.4 },
    },
  };
}

/** What must be so whenever a disk would be wiped; told by its own reading of the facts, not by the rules'. */
function objections({ facts, wanted }: { facts: TargetFacts; wanted: Wanted }): string[] {
  const read = marker.safeParse(facts.marker === null ? undefined : safeJson(facts.marker)).data;
  const word = wanted.reinstall?.server === ours.server && wanted.reinstall.value === value;
  const booted = facts.bootedBy.includes(reinstallToken(ours, value));
  const installer = facts.os === "nixos" && facts.variant === "installer";
  const { disks } = facts;
  const layout = disks?.layout ?? [];
  const wiped = layout.map(({ disk }) => disks?.disks.find(({ name }) => name === disk));
  const named = wiped.every(
    (disk) => disk && wanted.erase.some((one) => one === disk.serial || disk.ids.includes(one)),
  );
  const byBootstrap = facts.identity === "bootstrap" && facts.marker === null;
  const byWord =
    facts.identity === "lasting" &&
    word &&
    (read
      ? read.server === ours.server &&
        read.stack === ours.stack &&
        read.host === ours.host &&
        read.reinstall !== value
      : facts.marker === null && installer && booted);
  const wrong: [boolean, string][] = [
    [!byBootstrap && !byWord, "neither the bootstrap key without a marker nor the word for this very server"],
    [facts.marker !== null && !byWord, "a marker that nobody asked to wipe"],
    [facts.marker !== null && installer, "an installer that shows the marker of an installed system"],
    [!wanted.ordered && !named, "a disk of another's machine that was not named"],
    [wanted.adopt !== null && byBootstrap, "a server that shall be a restored snapshot"],
    [facts.machine !== "x86_64", "another architecture"],
    [facts.memory < 1.26e9, "less memory than required"],
    [facts.memory < 1.4e9 && !installer, "too little memory to boot the installer"],
    [disks === null, "disks that nobody has looked at"],
    [wiped.some((disk) => disk?.ids.some((id) => id.includes("HC_Volume"))), "a volume"],
    [(disks?.disks.length ?? 0) > 0 && wiped.some((disk) => !disk), "a disk that is not there"],
    [(disks?.disks.length ?? 0) > 1 && layout.some(({ device }) => device.length < 9), "a letter"],
    [wiped.some((disk) => disk && disk.size < 20e9), "a disk that is too small"],
    [facts.os === "arch" && !byWord, "a system that somebody put there"],
    [facts.os === "nixos" && !installer && !byWord, "a NixOS that nobody asked to wipe"],
  ];
  return wrong.filter(([holds]) => holds).map(([, what]) => what);
}

function safeJson(from: string): unknown {
  try {
    return JSON.parse(from);
  } catch {
    return undefined;
  }
}

const docs = new URL("../../../../docs/installation.md", import.meta.url);
const row = ({ found: what, answer }: Rule) => `| ${what} | ${answer} |`;

test("no combination of what can be found and wanted wipes a disk that nobody gave", {
  timeout: 60_000,
}, () => {
  const counts = new Map(rules.map((rule) => [rule, 0]));
  let all = 0;
  let wiping = 0;
  for (const one of combinations()) {
    const { facts, wanted } = caseOf(one);
    const { rule, decision } = ruleFor(facts, wanted);
    all += 1;
    counts.set(rule, (counts.get(rule) ?? 0) + 1);
    // Once each: an assertion costs more than the decision.
    if (decision.do !== rule.answer) throw new Error(`${rule.found} answers ${decision.do}`);
    if (decision.do === "refuse" && (decision.because === "" || decision.next === ""))
      throw new Error(`${rule.found}: a refusal without a reason or a way on`);
    if (decision.do === "adopt" || decision.do === "refuse") continue;
    wiping += 1;
    const wrong = objections({ facts, wanted });
    if (wrong.length > 0) throw new Error(`${decision.do} wipes ${wrong.join(", ")}: ${JSON.stringify(one)}`);
    if (decision.do === "resume" && decision.from !== facts.next) throw new Error("it goes on elsewhere");
  }
  console.log(
    [
      `${all} combinations, ${wiping} of which wipe; the first rule that fits answers:`,
      ...rules.map(
        (rule) => `${String(counts.get(rule)).padStart(8)}  ${rule.answer.padEnd(9)}  ${rule.found}`,
      ),
    ].join("\n"),
  );
  expect(wiping).toBeGreaterThan(500);
  const told = readFileSync(docs, "utf8").replaceAll("\n", " ");
  expect(told).toContain(`${all.toLocaleString("en")} combinations`);
  expect(told).toContain(`each of the ${wiping} wiping answers`);
  expect([...counts.values()].filter((count) => count === 0)).toEqual([]);
});

test("the documentation's table is the decision's, row by row", () => {
  const lines = readFileSync(docs, "utf8").split("\n");
  const begin = lines.indexOf("| found | answer |");
  expect(begin).toBeGreaterThan(0);
  const rest = lines.slice(begin + 2);
  expect(rest.slice(0, rest.indexOf(""))).toEqual(rules.map(row));
});
