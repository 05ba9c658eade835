import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
const page = read("docs/disasters.md");
/** What the page says was tried, each with the file and the test's title. */
const tried = [...page.matchAll(/^\| (.+?) \| `(tests\/[^`]+)`: "(.+)" \|$/gm)].map(
  ([, what = "", file = "", title = ""]) => ({ what, file, title }),
);

test("the page names tests", () => {
  expect(tried.length).toBeGreaterThan(5);
});

test.each(tried)("a test tries $what", ({ file, title }) => {
  expect(read(file)).toContain(`"${title}"`);
});

test("what it quotes of refusals is what is said", () => {
  const said = read("deployer/install/decide.ts").replaceAll(/\s+/g, " ");
  for (const words of [
    "the host runs a NixOS that this stack did not install",
    "a host belongs to one stack: replace the server, or destroy it in the other stack first",
    "says that it is the restored snapshot of server",
  ]) {
    expect(page).toContain(words);
    expect(said).toContain(words);
  }
});
