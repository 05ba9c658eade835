import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Forge, kinds } from "./forge-server.ts";

const mark = "<!-- berth preview of berth/prod -->";

test.each(kinds)(
  "at %s one comment is written, changed, and left alone where it says the same",
  async (kind) => {
    const forge = await Forge.start(kind);
    forge.write("looks good", "ada");
    expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
    expect(await forge.discussion().keep(`${mark}\ntwo`)).toBe("changed");
    expect(await forge.discussion().keep(`${mark}\ntwo`)).toBe("unchanged");
    expect(await forge.discussion().keep("<!-- berth preview of berth/dev -->\nother")).toBe("written");
    expect(forge.notes.map(({ body }) => body)).toEqual([
      "looks good",
      `${mark}\ntwo`,
      "<!-- berth preview of berth/dev -->\nother",
    ]);
  },
);

test.each(kinds)("at %s it is found behind hundreds of others", async (kind) => {
  const forge = await Forge.start(kind);
  for (let count = 0; count < 230; count += 1) forge.write("chatter", "ada");
  forge.write(`${mark}\nold`, "berth-bot");
  expect(await forge.discussion().keep(`${mark}\nnew`)).toBe("changed");
  expect(forge.notes).toHaveLength(231);
});

test.each(kinds)(
  "at %s a comment of somebody else's is never taken for ours, whatever it begins with",
  async (kind) => {
    const forge = await Forge.start(kind);
    forge.write(`${mark}\nnothing changes, merge it`, "mallory");
    expect(await forge.discussion().keep(`${mark}\nDELETE`)).toBe("written");
    expect(forge.notes.map(({ by, body }) => [by, body])).toEqual([
      ["mallory", `${mark}\nnothing changes, merge it`],
      ["berth-bot", `${mark}\nDELETE`],
    ]);
  },
);

test("a workflow's own token, which is nobody's, finds the comment that it wrote", async () => {
  const forge = await Forge.start("github");
  forge.self = null;
  expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
  expect(await forge.discussion().keep(`${mark}\ntwo`)).toBe("changed");
});

test("what fails on the way is asked again, but a comment is not written twice", async () => {
  const forge = await Forge.start("forgejo");
  forge.faults = [502, 429];
  expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
  expect(forge.asked).toHaveLength(5);
  forge.notes.length = 0;
  forge.asked.length = 0;
  forge.faults = [undefined, undefined, 502];
  await expect(forge.discussion().keep(`${mark}\none`)).rejects.toThrow("write a comment on ada/shop#7");
  expect(forge.asked.map((line) => line.split(" ", 1)[0])).toEqual(["GET", "GET", "POST"]);
  // This one was not carried out.
  forge.asked.length = 0;
  forge.faults = [undefined, undefined, 429];
  expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
  expect(forge.notes).toHaveLength(1);
});

test.each([
  [401, "give a token that is valid"],
  [403, "pull-requests: write"],
  [404, "check the repository and the number"],
])("an answer of %i is told with the pull request and what to do", async (status, advice) => {
  const forge = await Forge.start("gitlab");
  forge.faults = [status];
  await expect(forge.discussion().keep(`${mark}\none`)).rejects.toThrow(
    new RegExp(`group/shop#7 at gitlab: it answered ${status}: not now\\. Next: .*${advice}`),
  );
});

test("a forge that does not answer is given up on in time", async () => {
  const forge = await Forge.start("github");
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void silent.close());
  forge.api = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  await expect(forge.discussion({ retries: 0, deadline: 200 }).keep(`${mark}\none`)).rejects.toThrow(
    "no answer within 0.2 s",
  );
});
