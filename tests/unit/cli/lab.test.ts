import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { lab } from "../../../cli/lab.ts";
import { checkout } from "../../../lab/setup/places.mjs";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "berth-lab-verb-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

test("berth lab hands its words to the lab's own command as they are, and ends as that does", async () => {
  const place = folder();
  const script = join(place, "lab.mjs");
  writeFileSync(
    script,
    `import { writeFileSync } from "node:fs";
     writeFileSync(${JSON.stringify(join(place, "words"))}, JSON.stringify(process.argv.slice(2)));
     process.exit(7);`,
  );
  expect(await lab(["ssh", "web1", "--", "-v", "a b"], script)).toBe(7);
  expect(JSON.parse(readFileSync(join(place, "words"), "utf8"))).toEqual(["ssh", "web1", "--", "-v", "a b"]);
});

test("the package has none, and says where it is", async () => {
  await expect(lab(["up"], join(folder(), "lab.mjs"))).rejects.toThrow(
    /berth lab up: this is Berth's npm package, and the lab is in its repository alone\. .*npm start/s,
  );
});

test("in a checkout it is the checkout's, in whatever folder one is", async () => {
  const { exitCode, all } = await execa(join(checkout, "bin/berth"), ["lab", "status"], {
    ...{ cwd: folder(), reject: false, all: true, timeout: 120_000 },
    env: { BERTH_LAB: join(folder(), "none") },
  });
  expect(all).toMatch(/: not there\. Next: npm run lab -- up/);
  expect(exitCode).toBe(0);
});
