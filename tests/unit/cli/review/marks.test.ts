import { describe, expect, test } from "vitest";
import { judgeMarks, type Marks } from "../../../../cli/review/marks.ts";
import { decideSweep } from "../../../../cli/review/sweeping.ts";
import type { ShortLived } from "../../../../config/short-lived.ts";

const id = "0b2b5ddc-3a6f-4a0d-9c39-6a1f2f2d8a10";
const terms = (changes: Partial<ShortLived> = {}): ShortLived => ({
  ...{ stack: "pr-7", pull: 7, id, until: "2026-11-22T18:00:00.000Z" },
  ...changes,
});
const root = { urn: "urn:pulumi:pr-7::shop::pulumi:pulumi:Stack::shop-pr-7", type: "pulumi:pulumi:Stack" };
const provider = {
  urn: "urn:pulumi:pr-7::shop::pulumi:providers:hcloud::default",
  type: "pulumi:providers:hcloud",
};
const server = {
  urn: "urn:pulumi:pr-7::shop::hcloud:index/server:Server::web1",
  type: "hcloud:index/server:Server",
};
const record = (
  input: unknown = terms(),
  urn = "urn:pulumi:pr-7::shop::pulumi:index:Stash::berth:short-lived",
) => ({
  ...{ urn, type: "pulumi:index:Stash", inputs: { input } },
});
const state = (...resources: unknown[]) => JSON.stringify({ version: 3, deployment: { resources } });
const whole = state(root, provider, record(), server);

const marks = (changes: Partial<Marks> = {}): Marks => ({
  ...{ name: "pr-7", tag: JSON.stringify(terms()), state: whole },
  ...changes,
});
const tag = (changes: Partial<ShortLived>) => JSON.stringify(terms(changes));

describe("a stack is short-lived", () => {
  test("where its tag and its state agree", () => {
    expect(judgeMarks(marks())).toEqual({ ours: true, terms: terms(), resources: 1, recorded: true });
  });
  test.each([
    ["a state without anything", JSON.stringify({ version: 3, deployment: {} })],
    ["a state with nothing but what is no thing", state(root, provider)],
  ])("where its tag says so and it has %s", (_, empty) => {
    expect(judgeMarks(marks({ state: empty }))).toEqual({
      ...{ ours: true, terms: terms(), resources: 0, recorded: false },
    });
  });
  test.each([
    ["tag", tag({ until: "2026-11-23T18:00:00.000Z" }), whole],
    ["state", undefined, state(root, record(terms({ until: "2026-11-23T18:00:00.000Z" })))],
  ])("until the later end, which is the %s's here", (_, later, there) => {
    const judged = judgeMarks(marks({ ...(later !== undefined && { tag: later }), state: there }));
    expect(judged).toMatchObject({ ours: true, terms: { until: "2026-11-23T18:00:00.000Z" } });
  });
});

describe("a stack is left alone that says nothing of being short-lived", () => {
  test.each([
    ["prod", state({ ...server, protect: true })],
    ["pr-7", state(root, server)],
    ["pr-7", "no state at all"],
  ])("%s", (name, there) => {
    const judged = judgeMarks({ name, tag: undefined, state: there });
    expect(judged).toEqual({ ours: false, claims: false });
    expect(decideSweep(judged, "over", new Date("2030-01-01")).do).toBe("leave");
  });
});

/** Every way in which one mark is there and is not enough. */
const wrong: [why: string, marks: Marks, because: string][] = [
  ["no tag", marks({ tag: undefined }), "no tag of the stack does"],
  ["an empty tag", marks({ tag: "" }), "on which terms"],
  ["a tag of somebody else's", marks({ tag: "yes" }), "on which terms"],
  [
    "a tag without an end",
    marks({ tag: JSON.stringify({ ...terms(), until: undefined }) }),
    "on which terms",
  ],
  ["a tag with an end that is no time", marks({ tag: tag({ until: "soon" }) }), "on which terms"],
  [
    "the tag of another stack, as a renamed one has",
    marks({ tag: tag({ stack: "pr-8", pull: 8 }) }),
    "the stack pr-8",
  ],
  ["the tag of another pull request", marks({ tag: tag({ pull: 8 }) }), "pull request 8"],
  [
    "a name that is no pull request's, though both marks have it",
    marks({
      name: "prod",
      tag: tag({ stack: "prod" }),
      state: state(
        record(terms({ stack: "prod" }), "urn:pulumi:prod::shop::pulumi:index:Stash::berth:short-lived"),
      ),
    }),
    "pull request 7",
  ],
  ["a state without the mark", marks({ state: state(root, server) }), "does not say so"],
  [
    "a state without the mark in which something was begun",
    marks({ state: JSON.stringify({ deployment: { resources: [], pending_operations: [{}] } }) }),
    "does not say so",
  ],
  [
    "a mark below another one, as in a program of another's",
    marks({ state: state({ ...record(), type: "pulumi:index:Other" }, server) }),
    "does not say so",
  ],
  ["two marks in the state", marks({ state: state(record(), record(), server) }), "twice"],
  [
    "a state of another stack, as imported",
    marks({
      state: state(record(terms(), "urn:pulumi:prod::shop::pulumi:index:Stash::berth:short-lived"), server),
    }),
    "of another stack",
  ],
  ["a mark without terms", marks({ state: state(record("x"), server) }), "on which terms"],
  [
    "a mark of another stack",
    marks({ state: state(record(terms({ stack: "pr-8" })), server) }),
    "the stack pr-8",
  ],
  [
    "a mark of another pull request",
    marks({ state: state(record(terms({ pull: 8 })), server) }),
    "the terms of",
  ],
  [
    "marks with two ids",
    marks({ state: state(record(terms({ id: "6f7c1c5e-52f7-4b35-8d6c-6f5a1b4f5a11" })), server) }),
    "two different stacks",
  ],
  [
    "something in it that is protected",
    marks({ state: state(root, record(), { ...server, protect: true }) }),
    "is protected",
  ],
  ["a state that cannot be read", marks({ state: "{" }), "is not what pulumi stack export prints"],
];

describe("a stack is never destroyed that has", () => {
  test.each(wrong)("%s", (_, found, because) => {
    const judged = judgeMarks(found);
    expect(judged).toEqual({ ours: false, claims: true, because: expect.stringContaining(because) });
    // Not even long after its end, with its pull request closed.
    expect(decideSweep(judged, "over", new Date("2030-01-01"))).toMatchObject({ do: "refuse" });
  });
});

describe("a sweep", () => {
  const before = new Date("2026-11-22T17:59:59Z");
  const after = new Date("2026-11-22T18:00:00Z");
  test.each([
    ["leaves one before its end whose pull request is open", before, "open", "leave", "it ends at"],
    ["destroys it at its end", after, "open", "destroy", "its time was over"],
    ["destroys it at its end whoever cannot be asked", after, "unknown", "destroy", "its time was over"],
    ["destroys one whose pull request is over", before, "over", "destroy", "pull request 7 is not open"],
    ["leaves one before its end where nobody could ask", before, "unknown", "leave", "could not be asked"],
  ] as const)("%s", (_, now, pull, what, because) => {
    expect(decideSweep(judgeMarks(marks()), pull, now)).toEqual({
      ...{ do: what, because: expect.stringContaining(because) },
    });
  });
});
