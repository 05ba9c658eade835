import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Site } from "../../../../lab/journey/site.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-site-"));
  mkdirSync(join(folder, "src/lib"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const greetingFile = () => join(folder, "src/lib/greeting.ts");
const hooks = () => join(folder, "src/hooks.server.ts");

describe("the app's source", () => {
  test("gets a greeting with a text that no other change has", async () => {
    const site = new Site(folder);
    const texts: string[] = [];
    for (let change = 0; change < 3; change++) {
      const text = await site.change('Say "ahoy"');
      expect(site.text).toBe(text);
      expect(readFileSync(greetingFile(), "utf8")).toContain(`[${text}]`);
      texts.push(text);
    }
    expect(new Set(texts).size).toBe(3);
  });

  test("is a module that exports the greeting, whatever is in it", async () => {
    const site = new Site(folder);
    const text = await site.change(`quotes " and \\ and \${braces}`);
    const module = await import(pathToFileURL(greetingFile()).href);
    expect(module.greeting).toBe(`quotes " and \\ and \${braces} [${text}]`);
  });

  test("keeps its text when it is broken, so that the old one is what must be seen", async () => {
    const site = new Site(folder);
    const text = await site.change("Ahoy");
    await site.break();
    expect(site.text).toBe(text);
    expect(readFileSync(greetingFile(), "utf8")).toContain(text);
  });

  test("fails every request when it is broken, until it is mended", async () => {
    const site = new Site(folder);
    await site.break();
    const { handle } = await import(pathToFileURL(hooks()).href);
    expect(handle).toThrow("broken on purpose");
    await site.mend();
    expect(existsSync(hooks())).toBe(false);
    await site.mend();
  });

  test("is no program when its build is broken", async () => {
    const site = new Site(folder);
    await site.breakBuild();
    await expect(import(`${pathToFileURL(hooks()).href}?broken`)).rejects.toThrow();
  });
});
