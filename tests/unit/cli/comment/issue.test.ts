import { expect, test } from "vitest";
import { StackIssue } from "../../../../cli/comment/issue.ts";
import { Forge, kinds } from "./forge-server.ts";

const title = "Drift of berth/prod";
const mark = "<!-- berth drift of berth/prod -->";
const drifted = (what: string) => ({ title, body: `${mark}\n${what}`, open: true });
const clean = { title, body: `${mark}\nas it was left`, open: false };

test.each(kinds)(
  "at %s one issue is opened, changed, left alone, and closed where nothing differs",
  async (kind) => {
    const forge = await Forge.start(kind);
    const issue = new StackIssue(forge.repository);
    forge.open("the shop is slow", "ada");
    expect(await issue.keep(clean)).toEqual({ how: "none" });
    expect(await issue.keep(drifted("one"))).toEqual({ how: "opened", number: 2 });
    expect(await issue.keep(drifted("two"))).toEqual({ how: "changed", number: 2 });
    expect(await issue.keep(drifted("two"))).toEqual({ how: "unchanged", number: 2 });
    expect(await issue.keep({ ...clean, body: "<!-- berth drift of berth/dev -->\nclean" })).toEqual({
      how: "none",
    });
    expect(await issue.keep(clean)).toEqual({ how: "closed", number: 2 });
    expect(await issue.keep(clean)).toEqual({ how: "none" });
    expect(forge.issues.map(({ title, body, open }) => [title, body, open])).toEqual([
      ["", "the shop is slow", true],
      [title, clean.body, false],
    ]);
  },
);

test.each(kinds)(
  "at %s a closed issue stays closed, and what differs later has one of its own",
  async (kind) => {
    const forge = await Forge.start(kind);
    forge.open(`${mark}\nold`, "berth-bot").open = false;
    expect(await new StackIssue(forge.repository).keep(drifted("new"))).toEqual({ how: "opened", number: 2 });
    expect(forge.issues.map(({ body }) => body)).toEqual([`${mark}\nold`, `${mark}\nnew`]);
  },
);

test.each(kinds)("at %s neither another's issue nor a pull request is taken for it", async (kind) => {
  const forge = await Forge.start(kind);
  forge.open(`${mark}\nnothing to see`, "mallory");
  forge.open(`${mark}\nof a branch`, "berth-bot", true);
  expect(await new StackIssue(forge.repository).keep(drifted("one"))).toEqual({ how: "opened", number: 3 });
  expect(forge.issues.map(({ body, open }) => [body, open])).toEqual([
    [`${mark}\nnothing to see`, true],
    [`${mark}\nof a branch`, true],
    [`${mark}\none`, true],
  ]);
});

test.each(kinds)("at %s it is found behind hundreds of others", async (kind) => {
  const forge = await Forge.start(kind);
  for (let count = 0; count < 130; count += 1) forge.open("a wish", "ada");
  forge.open(`${mark}\nold`, "berth-bot");
  expect(await new StackIssue(forge.repository).keep(clean)).toEqual({ how: "closed", number: 131 });
});

test("an answer of 403 says which right is missing", async () => {
  const forge = await Forge.start("github");
  forge.faults = [undefined, 403];
  await expect(new StackIssue(forge.repository).keep(clean)).rejects.toThrow(
    "read the issues on ada/shop at github: it answered 403: not now. Next: give the token the right to do that (GitHub: permissions issues: write).",
  );
});
