import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkout } from "../../lab/setup/places.mjs";
import { losing, unprotecting } from "./changes/losing-rounds.ts";
import { atFirst, harmless, refusedWhileProtected } from "./changes/protected-rounds.ts";
import type { Round } from "./changes/round.ts";
import type { Run } from "./changes/runs.ts";
import { type DocumentedChange, documentedChanges, missing, unexplained } from "./changes/table.ts";
import { type HostFacts, World } from "./changes/world.ts";

/** Rows that are no edit of the stack file. */
const destroy = "the stack itself: `pulumi destroy`";

const rows = documentedChanges();
const rounds = [harmless, unprotecting, ...losing];
const rowOf = (change: string): DocumentedChange => {
  const found = rows.find((row) => row.change === change);
  if (!found) throw new Error(`docs/changing-what-runs.md has no row for ${change}`);
  return found;
};
/** Refused whatever is said. */
const neverDone = (row: DocumentedChange): boolean => row.happens === "refused";

let world: World;
/** Of every host, before what comes next. */
let facts: Record<string, HostFacts>;

const told = ({ exitCode, notes, errors, touches }: Run): string =>
  [
    `pulumi ended with ${exitCode}`,
    ...touches.map(({ op, name, properties }) => `${op} ${name} ${properties.join(" ")}`),
    ...notes,
    errors,
  ].join("\n");

/** The stack is brought up with what is in the file now. */
async function bringUp(): Promise<void> {
  const run = await world.runs.update();
  expect(run.exitCode, told(run)).toBe(0);
  await world.refreshOutputs();
}

beforeAll(async () => {
  world = await World.create(join(checkout, ".lab-changes"));
  // Another system in the flake, beside the one that all hosts begin with.
  const systems = join(world.lab.places.flake, "hosts.nix");
  const text = await readFile(systems, "utf8");
  await writeFile(systems, text.replace(/^\{$/m, '{ spare = { domain = "site.lab"; tls = false; };'));
  await world.edit(atFirst);
  await bringUp();
  for (const host of Object.keys(world.outputs.hosts)) await world.leaveSomething(host);
  facts = await world.facts();
});
afterAll(() => world?.remove());

describe("the table", () => {
  const tried = rounds.flatMap(({ trials }) => trials.map(({ change }) => change));
  const refused = refusedWhileProtected.flatMap(({ refusals }) => refusals.map(({ change }) => change));

  test("has a test for every row, and a row for every test", () => {
    expect([...new Set([...tried, ...refused, destroy])].toSorted()).toEqual(
      rows.map(({ change }) => change).toSorted(),
    );
  });

  test("has a refusal for every row with a word or without a way, and for no other", () => {
    const expected = rows.filter((row) => row.word !== "" || neverDone(row)).map(({ change }) => change);
    expect([...refused, destroy].toSorted()).toEqual(expected.toSorted());
  });

  test("says no word where nothing is lost, and has one where anything is", () => {
    for (const { change, lost, word } of rows)
      expect([change, word !== ""]).toEqual([change, lost !== "nothing"]);
  });

  test("calls the same things the same", () => {
    const happens = ["nothing", "made", "update in place", "power cycle", "replaced", "deleted", "refused"];
    for (const row of rows) expect(happens).toContain(row.happens);
  });
});

describe("nothing changed", () => {
  test("is no change", async () => {
    const run = await world.runs.preview();
    expect(run.touches, told(run)).toEqual([]);
  });
});

function tryRound({ name, before, trials }: Round): void {
  describe(name, () => {
    const documented = trials.map(({ change }) => rowOf(change));
    const of = (host: string) =>
      trials.filter((trial) => trial.of === host).map(({ change }) => rowOf(change));
    let preview: Run;
    let done: Run;
    let earlier: Record<string, HostFacts>;

    beforeAll(async () => {
      await before?.(world);
      for (const { edit } of trials) await world.edit(edit);
      earlier = facts;
      preview = await world.runs.preview();
      if (preview.exitCode !== 0) throw new Error(told(preview));
      done = await world.runs.update();
      if (done.exitCode !== 0) throw new Error(told(done));
      await world.refreshOutputs();
      facts = await world.facts();
      for (const host of Object.keys(facts)) {
        if (facts[host]?.serverId !== earlier[host]?.serverId) await world.leaveSomething(host);
      }
      facts = { ...facts, ...(await world.facts()) };
    });

    test.each(trials)("$change: the preview shows the row, and the update does it", async (trial) => {
      const row = rowOf(trial.change);
      expect(missing(preview.touches, row.touches), told(preview)).toEqual([]);
      expect(missing(done.touches, row.touches), told(done)).toEqual([]);
      for (const words of row.words) expect(preview.notes.join("\n")).toContain(words);
      await trial.holds?.(world);
    });

    test("shows nothing that no row tells", () => {
      expect(
        unexplained(
          preview.touches,
          documented.flatMap(({ touches }) => touches),
        ),
      ).toEqual([]);
    });

    test("does what it showed, and nothing else", () => {
      expect(done.touches).toEqual(preview.touches);
    });

    test("calls lost what a row says is lost, and nothing else", () => {
      const lost = preview.notes.filter((note) => note.includes("LOST"));
      const words = documented.flatMap((row) => row.words).filter((word) => word.includes("LOST"));
      expect(lost.filter((note) => !words.some((word) => note.includes(word)))).toEqual([]);
    });

    test("leaves every disk as the rows say, and boots no other host", () => {
      for (const [host, { serverId, bootId, kept }] of Object.entries(earlier)) {
        const now = facts[host];
        const loses = of(host).some(({ lost }) => lost.includes("the disk"));
        expect([host, now?.serverId === serverId]).toEqual([host, !loses]);
        if (loses || !now) continue;
        const cycled = of(host).some(({ feels }) => feels.includes("power cycle"));
        expect([host, now.bootId !== bootId]).toEqual([host, cycled]);
        expect(now.kept["/var/lib/kept"]).toBe(host);
        const volumes = of(host).filter(({ lost }) => lost.includes("what the volume holds")).length;
        const still = Object.entries(kept).filter(([where, what]) => now.kept[where] === what);
        expect([host, still.length]).toEqual([host, Object.keys(kept).length - volumes]);
      }
    });
  });
}

tryRound(harmless);

describe("refused", () => {
  describe.each(refusedWhileProtected)("$name", ({ refusals }) => {
    let preview: Run;
    let done: Run;
    let changed: number;

    beforeAll(async () => {
      const backs = [];
      for (const { edit } of refusals) backs.unshift(await world.edit(edit));
      const before = (await world.writes()).length;
      preview = await world.runs.preview();
      done = await world.runs.update();
      changed = (await world.writes()).length - before;
      for (const back of backs) await back();
    });

    test.each(refusals)("$change: the error names the place and the word", ({ change, path }) => {
      const row = rowOf(change);
      for (const run of [preview, done]) {
        expect(run.exitCode).not.toBe(0);
        const line = run.errors.split("\n").find((one) => one.trim().startsWith(`${path}: `));
        expect(line, told(run)).toBeDefined();
        const word = row.word.slice(0, row.word.lastIndexOf(":"));
        const said = run.errors.slice(run.errors.indexOf(line ?? ""));
        expect(said.split("\n").slice(0, 2).join("\n")).toContain(word);
        if (neverDone(row)) for (const words of row.words) expect(line).toContain(words);
      }
    });

    test("nothing is touched, at the cloud or in the stack", () => {
      expect(preview.touches).toEqual([]);
      expect(done.touches).toEqual([]);
      expect(changed).toBe(0);
    });
  });

  test("a loss in the very update that takes the protection away: nothing is touched", async () => {
    const back = await world.edit((stack) => {
      stack.protect = false;
      delete stack.hosts.web3;
    });
    const before = await world.writes();
    for (const run of [await world.runs.preview(), await world.runs.update()]) {
      expect(run.exitCode).not.toBe(0);
      expect(run.errors).toContain(
        "berth:hosts.web3: it is deleted, which loses the disk of lab-web3, and it is still protected",
      );
      expect(run.touches).toEqual([]);
    }
    expect(await world.writes()).toEqual(before);
    await back();
  });

  test("the end of a stack that is protected", async () => {
    const before = await world.writes();
    const run = await world.runs.update("destroy");
    expect(run.exitCode, told(run)).not.toBe(0);
    expect(run.errors).toContain("protect");
    expect(await world.writes()).toEqual(before);
  });

  test("leaves hosts, boots and disks as they were", async () => {
    expect(await world.facts()).toEqual(facts);
  });
});

for (const round of [unprotecting, ...losing]) tryRound(round);

describe("the end of the stack", () => {
  test("deletes everything that it has, once nothing is protected", async () => {
    const row = rowOf(destroy);
    const run = await world.runs.update("destroy");
    expect(run.exitCode, told(run)).toBe(0);
    expect(missing(run.touches, row.touches)).toEqual([]);
    expect(unexplained(run.touches, row.touches)).toEqual([]);
    expect(await world.servers()).toEqual({});
  });
});
