import { expect, test } from "vitest";
import { render, reviewedIn } from "../../../../cli/comment/render.ts";
import { reviewOf } from "../../../../cli/comment/reviewed.ts";
import { Forge, kinds } from "./forge-server.ts";

const head = "a".repeat(40);
const merge = "b".repeat(40);
const digest = "d".repeat(64);
const nothing = { hosts: [], others: [], told: [], errors: [], whole: true };
const bodyOf = (commit: string, stack = "prod") =>
  render({ project: "berth", stack, commit, digest }, nothing);
const asked = { project: "berth", stack: "prod", commit: merge };

/** A forge where pull request 7 was previewed at `head` and merged as `merge` with the same files. */
async function merged(kind: (typeof kinds)[number]): Promise<Forge> {
  const forge = await Forge.start(kind);
  forge.pulls[merge] = [{ number: 7, head, merged: true, as: merge }];
  Object.assign(forge.trees, { [head]: "the same files", [merge]: "the same files" });
  forge.write("looks good", "ada");
  forge.write(bodyOf(head), "berth-bot");
  return forge;
}

test.each(kinds)("at %s what was reviewed of a commit is found by its pull request", async (kind) => {
  const forge = await merged(kind);
  expect(await reviewOf(forge.repository, asked)).toEqual({ pull: 7, previewed: head, changes: digest });
});

test.each(kinds)("at %s a branch that was merged by fast-forward is its own merge", async (kind) => {
  const forge = await merged(kind);
  forge.pulls[head] = [{ number: 7, head, merged: true, as: head }];
  expect(await reviewOf(forge.repository, { ...asked, commit: head })).toMatchObject({ previewed: head });
});

const cases: [why: string, change: (forge: Forge) => void, said: RegExp][] = [
  [
    "came by no pull request",
    (forge) => void delete forge.pulls[merge],
    /no pull request was merged as this commit/,
  ],
  [
    "is of a pull request that is open",
    (forge) => void Object.assign(forge.pulls, { [merge]: [{ number: 7, head, merged: false, as: merge }] }),
    /no pull request was merged as this commit/,
  ],
  [
    "is one of several of its branch",
    (forge) =>
      void Object.assign(forge.pulls, { [merge]: [{ number: 7, head, merged: true, as: "c".repeat(40) }] }),
    /no pull request was merged as this commit/,
  ],
  ["was not previewed", (forge) => void forge.notes.pop(), /pull request 7 has no comment of Berth's/],
  [
    "was previewed for another stack",
    (forge) => void forge.notes.splice(1, 1, { id: 2, body: bodyOf(head, "dev"), by: "berth-bot" }),
    /pull request 7 has no comment of Berth's/,
  ],
  [
    "has a comment that somebody else wrote",
    (forge) => void forge.notes.splice(1, 1, { id: 2, body: bodyOf(head), by: "mallory" }),
    /pull request 7 has no comment of Berth's/,
  ],
  [
    "had a preview that failed",
    (forge) =>
      void forge.notes.splice(1, 1, {
        id: 2,
        body: render({ project: "berth", stack: "prod", commit: head, digest }, { ...nothing, whole: false }),
        by: "berth-bot",
      }),
    /the preview of pull request 7 had failed/,
  ],
  [
    "was pushed to after the preview",
    (forge) =>
      void Object.assign(forge.pulls, {
        [merge]: [{ number: 7, head: "e".repeat(40), merged: true, as: merge }],
      }),
    /was previewed at aaaaaaaaaaaa and merged at eeeeeeeeeeee/,
  ],
  [
    "has other files than its branch",
    (forge) => void Object.assign(forge.trees, { [merge]: "more files" }),
    /has other files: its branch was not up to date/,
  ],
];
test.each(kinds.flatMap((kind) => cases.map((one) => [kind, ...one] as const)))(
  "at %s a commit that %s was not reviewed",
  async (kind, _, change, said) => {
    const forge = await merged(kind);
    change(forge);
    await expect(reviewOf(forge.repository, asked)).rejects.toThrow(said);
  },
);

test.each([
  ["nothing below the mark", "<!-- berth preview of berth/prod -->\n\n### nothing"],
  [
    "the line further down",
    `<!-- berth preview of berth/prod -->\n\n<!-- commit ${head} changes ${digest} -->`,
  ],
  ["a commit that is a name", `<!-- m -->\n<!-- commit main changes ${digest} -->`],
  ["more on the line", `<!-- m -->\n<!-- commit ${head} changes ${digest} --> x`],
])("a comment with %s tells of no review", (_, body) => {
  expect(reviewedIn(body)).toBeUndefined();
});

test("a forge that changes the ends of lines is read all the same", () => {
  expect(reviewedIn(bodyOf(head).replaceAll("\n", "\r\n"))).toEqual({ commit: head, digest });
});
