import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { parseEvents, type RunEvent } from "../../deployer/runs/events.ts";
import { STACK } from "../../lab/environment.ts";
import { Site } from "../../lab/journey/site.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { berth as berthOn } from "./berth.ts";
import { World } from "./changes/world.ts";
import { sessionWith } from "./stack.ts";

/** As many as the machine bears: BERTH_ROLLOUT_HOSTS=10 is the story as it is told. */
const count = Math.max(5, Number(process.env.BERTH_ROLLOUT_HOSTS ?? 5));
const names = Array.from({ length: count }, (_, index) => `web${index + 1}`);
const canary = "web1";
/** Its check fails, whatever runs. */
const sick = "web2";
/** Switched off. */
const dead = "web3";
const well = names.filter((name) => name !== sick && name !== dead);
const maxUnavailable = 2;

let world: World;
let site: Site;

interface Up {
  exitCode: number;
  output: string;
  /** The table's rows by host: what happened, releases, seconds, reason. */
  rows: Record<string, string[]>;
  events: RunEvent[];
}

const berth = (...args: string[]) => berthOn(world.lab.env, ...args);

/** `berth up` as people run it, with what it recorded. */
async function up(...args: string[]): Promise<Up> {
  const ended = await berth("up", "--yes", "--skip-preview", "--non-interactive", ...args);
  const file = /The record of this update is (\S+)/.exec(ended.output)?.[1];
  const table = ended.stdout.slice(ended.stdout.search(/^host +what happened/m));
  return {
    exitCode: ended.exitCode,
    output: ended.output,
    rows: Object.fromEntries(
      table
        .split("\n")
        .slice(1)
        .map((line) => line.split(/ {2,}/))
        .flatMap(([host, ...cells]) => (host && names.includes(host) ? [[host, cells]] : [])),
    ),
    events: file === undefined ? [] : parseEvents(await readFile(file, "utf8")),
  };
}

const outcomes = ({ rows }: Up) =>
  Object.fromEntries(Object.entries(rows).map(([host, [outcome]]) => [host, outcome]));

/** The most hosts that were on trial at a time since then, as their own journals tell of the guards that were on watch. */
async function mostGuards(hosts: readonly string[], since: number): Promise<number> {
  const journals = await Promise.all(
    hosts.map((host) => sh(host, "journalctl _PID=1 --boot --output=json --no-pager")),
  );
  const lines = journals.flatMap((journal) =>
    journal.split("\n").flatMap((line) => {
      const parsed = entry.safeParse(jsonOrUndefined(line));
      return parsed.success && parsed.data.UNIT.startsWith("berth-guard-") ? [parsed.data] : [];
    }),
  );
  const moments = lines.flatMap(({ UNIT, MESSAGE, __REALTIME_TIMESTAMP: begin }) => {
    if (begin < since * 1000 || !MESSAGE.startsWith("Started ")) return [];
    const ended = lines.find((one) => one.UNIT === UNIT && /Deactivated successfully/.test(one.MESSAGE));
    const end = Math.max(begin, (ended?.__REALTIME_TIMESTAMP ?? Number.POSITIVE_INFINITY) - relieved);
    return [
      { at: begin, change: 1 },
      { at: end, change: -1 },
    ];
  });
  return most(moments.toSorted((a, b) => a.at - b.at || a.change - b.change).map(({ change }) => change));
}
/** Microseconds until a guard has seen that its trial is over, and systemd has told that it is gone. */
const relieved = 1_000_000;
const entry = z.object({ UNIT: z.string(), MESSAGE: z.string(), __REALTIME_TIMESTAMP: z.coerce.number() });

/** How high it goes. */
function most(changes: readonly number[]): number {
  let now = 0;
  return Math.max(0, ...changes.map((change) => (now += change)));
}

async function sh(host: string, script: string): Promise<string> {
  const session = await sessionWith(world.outputs, host);
  try {
    const ended = await session.sh(script, { deadline: 30_000 });
    if (ended.exitCode !== 0) throw new Error(`${host}: ${ended.stderr}`);
    return ended.stdout;
  } finally {
    await session.close();
  }
}

/** The most trials that a record shows at a time. */
const mostTrials = (events: readonly RunEvent[]): number =>
  most(events.flatMap(({ event }) => (event === "trial" ? [1] : event === "verdict" ? [-1] : [])));

beforeAll(async () => {
  world = await World.create(join(checkout, ".lab-several"));
  site = new Site(`${world.lab.places.flake}/site`);
  await world.edit((stack) => {
    const host = {
      system: "web",
      server: { type: "cx23", location: "fsn1", image: "debian-13" },
      healthDeadline: 8,
      health: [{ command: "test ! -e /var/lib/sick" }],
    };
    stack.hosts = Object.fromEntries(names.map((name) => [name, structuredClone(host)]));
    stack.rollout = { order: [canary], maxUnavailable };
  });
});
afterAll(() => world?.remove());

describe("several hosts", () => {
  test("are brought up, and the table says so", async () => {
    const first = await up();
    expect(first.exitCode, first.output).toBe(0);
    expect(Object.keys(first.rows)).toEqual(names);
    await world.refreshOutputs();
  });

  test("a host that is dead and one that is sick hold up no other one, and never too many are on trial", async () => {
    await sh(sick, "touch /var/lib/sick");
    await world.switchOff(dead);
    await site.change("a second release");
    const since = Date.now();
    const run = await up();
    expect(run.exitCode).not.toBe(0);
    expect(outcomes(run), run.output).toEqual({
      ...Object.fromEntries(well.map((name) => [name, "switched"])),
      [sick]: "rolled back",
      [dead]: "not reached",
    });
    expect(run.rows[sick]?.at(-1)).toContain("test ! -e /var/lib/sick");
    expect(run.output).toContain(`${well.length} of ${count} hosts run what is wanted`);
    expect(run.output).not.toMatch(/unhandled exception|\n\s+at .*:\d+:\d+/);
    expect(mostTrials(run.events)).toBe(maxUnavailable);
    expect(await mostGuards([...well, sick], since)).toBe(maxUnavailable);
    const began = run.events.findIndex((event) => event.event === "begin" && event.host !== canary);
    const done = run.events.findIndex((event) => event.event === "end" && event.host === canary);
    expect(done).toBeLessThan(began);
  });

  test("a second run does what is left and nothing else", async () => {
    await sh(sick, "rm /var/lib/sick");
    await world.switchOn(dead);
    const run = await up();
    expect(run.exitCode, run.output).toBe(0);
    expect(outcomes(run)).toEqual({
      ...Object.fromEntries(well.map((name) => [name, "unchanged"])),
      [sick]: "switched",
      [dead]: "switched",
    });
    const worked = new Set(run.events.flatMap((event) => (event.event === "begin" ? [event.host] : [])));
    expect([...worked].toSorted()).toEqual([sick, dead].toSorted());
  });

  test("a canary that fails stops all others, which go on as they are", async () => {
    await sh(canary, "touch /var/lib/sick");
    await site.change("a third release");
    const run = await up();
    expect(run.exitCode).not.toBe(0);
    expect(outcomes(run), run.output).toEqual({
      ...Object.fromEntries(names.map((name) => [name, "not started"])),
      [canary]: "rolled back",
    });
    expect(run.rows[names.at(-1) ?? ""]?.at(-1)).toContain(`${canary}, which comes before it, is not done`);
    await sh(canary, "rm /var/lib/sick");
  });

  test("one after the other they go through as well", async () => {
    const run = await up("--parallel", "1");
    expect(run.exitCode, run.output).toBe(0);
    expect(outcomes(run)).toEqual(Object.fromEntries(names.map((name) => [name, "switched"])));
    expect(mostTrials(run.events)).toBe(1);
  });

  test("plain pulumi up keeps a record, too", async () => {
    await site.change("a fourth release");
    const folder = join(checkout, ".berth/runs", STACK);
    const before = await readdir(folder);
    expect((await world.runs.update()).exitCode).toBe(0);
    const added = (await readdir(folder)).filter((name) => !before.includes(name));
    const records = await Promise.all(
      added.map(async (name) => parseEvents(await readFile(join(folder, name), "utf8"))),
    );
    // Stacks of other labs have the same name, and keep theirs in the same folder meanwhile.
    const ended = (events: readonly RunEvent[]) =>
      events.flatMap((one) => (one.event === "end" && names.includes(one.host) ? [one.host] : []));
    const ours = records.map(ended).filter((hosts) => hosts.includes(names.at(-1) ?? ""));
    expect(ours.map((hosts) => hosts.toSorted())).toEqual([names.toSorted()]);
  });

  test("one that was rolled back by hand stays there, visibly, until that is overruled", async () => {
    await world.refreshOutputs();
    const newest = world.outputs.hosts[sick]?.release;
    const back = await berth("rollback", sick, "--why", "checkout is broken");
    expect(back.exitCode, back.output).toBe(0);
    expect((await sh(sick, "readlink -f /run/current-system")).trim()).not.toBe(newest);
    const listed = await berth("rollback", "--list", sick);
    expect(listed.output).toMatch(/runs, boots[\s\S]*held/);

    const preview = (await world.runs.preview()).notes.join("\n");
    expect(preview).toMatch(
      new RegExp(`${sick}: rolled back by hand by .*checkout is broken.*berth unhold ${sick}`),
    );
    const held = await up();
    expect(held.exitCode).not.toBe(0);
    expect(outcomes(held)).toEqual({
      ...Object.fromEntries(names.map((name) => [name, "unchanged"])),
      [sick]: "held",
    });

    expect((await berth("unhold", sick)).exitCode).toBe(0);
    expect((await world.runs.preview()).notes.join("\n")).toContain(`this update returns it to ${newest}`);
    const returned = await up();
    expect(returned.exitCode, returned.output).toBe(0);
    expect(outcomes(returned)[sick]).toBe("switched");
  });

  test("all of them go back together, and a newer release ends that by itself", async () => {
    const back = await berth("rollback", "--yes");
    expect(back.exitCode, back.output).toBe(0);
    await site.change("a fifth release");
    const run = await up();
    expect(run.exitCode, run.output).toBe(0);
    expect(outcomes(run)).toEqual(Object.fromEntries(names.map((name) => [name, "switched"])));
  });
});
