import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Journal, round } from "../../../../lab/journey/journal.ts";
import { hold, NotHeld, Steps } from "../../../../lab/journey/steps.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, "deep/journal.json");
const written = () => JSON.parse(readFileSync(file(), "utf8"));
const step = { name: "lab up", ok: true, seconds: 1.5, detail: "up" };

describe("the journal", () => {
  test("is there after every step, marked as not ended, and is not ok until it has ended", () => {
    const journal = new Journal(file());
    journal.add(step);
    journal.write();
    expect(written()).toMatchObject({ ended: false, ok: false, steps: [step] });
    expect(Date.parse(written().startedAt)).toBeLessThanOrEqual(Date.now());
  });

  test.each([true, false])("says at its end whether all held: %s", (ok) => {
    const journal = new Journal(file());
    journal.write(ok);
    expect(written()).toMatchObject({ ended: true, ok, steps: [] });
  });

  test("keeps facts, the last word of each", () => {
    const journal = new Journal(file());
    journal.note({ first: { text: "a" }, second: 1 });
    journal.note({ second: 2 });
    journal.write(true);
    expect(written()).toMatchObject({ first: { text: "a" }, second: 2 });
  });

  test("is written anew where its folder was removed", () => {
    const journal = new Journal(file());
    journal.write();
    rmSync(join(folder, "deep"), { recursive: true });
    journal.write(true);
    expect(written().ended).toBe(true);
  });
});

test.each([
  [1.249, 1.2],
  [1.25, 1.3],
  [0, 0],
])("%f s is told as %f s", (seconds, told) => {
  expect(round(seconds)).toBe(told);
});

describe("steps", () => {
  test("that hold are told with what was seen, and recorded", async () => {
    const lines: string[] = [];
    const journal = new Journal(file());
    await new Steps(journal, (line) => lines.push(line)).step("lab up", async () => "all is up");
    expect(lines).toEqual(["-- lab up", expect.stringMatching(/^ok +0\.\d s {2}lab up: all is up$/)]);
    expect(written().steps).toEqual([
      { name: "lab up", ok: true, seconds: expect.any(Number), detail: "all is up" },
    ]);
  });

  test("that do not hold are told with the reason, recorded, and end the run", async () => {
    const lines: string[] = [];
    const journal = new Journal(file());
    const steps = new Steps(journal, (line) => lines.push(line));
    const work = steps.step("the page", async () => {
      hold(false, "it answered 500");
      return "never";
    });
    await expect(work).rejects.toThrow(NotHeld);
    expect(lines[1]).toMatch(/^FAILED +0\.\d s {2}the page: it answered 500$/);
    expect(written().steps).toMatchObject([{ name: "the page", ok: false, detail: "it answered 500" }]);
  });
});

test("what holds is let pass", () => {
  expect(() => hold(true, "never")).not.toThrow();
});
