import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { labEnvironment } from "../../lab/environment.ts";
import { placesIn } from "../../lab/folder.ts";
import { reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { missingIn } from "./tutorial/blocks.ts";
import { inTheLab, pulumiOptions } from "./tutorial/page.ts";

/** Everything of the tutorial: a clone, and the shell's own files. */
const folder = join(checkout, ".lab-tutorial");
const clone = join(folder, "berth");
const environment = join(folder, "environment");
const lab = join(clone, ".lab");

/** What a shell that was just opened has; nothing of another lab or of the test. */
const fresh = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(PULUMI_|HCLOUD_|BERTH_|NIX_|VITEST|NODE_|npm_|TEST$|DEV$|PROD$|MODE$)/.test(name),
  ),
);

/** The shell's variables, as the step before has left them. */
let variables: Record<string, string | undefined> = fresh;

/** Types a block into the shell, and stops at the first command that fails. */
async function type(text: string): Promise<{ exitCode: number; output: string }> {
  const script = `trap 'code=$?; env -0 >"${environment}"; exit $code' EXIT\nset -e -o pipefail -o allexport\n${text}\n`;
  const ended = await execa("bash", ["-c", script], {
    cwd: clone,
    env: {
      ...variables,
      // For whoever types, pulumi asks; for a test it goes by the words that are there.
      PULUMI_SKIP_CONFIRMATIONS: "true",
    },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
    timeout: 1_500_000,
    forceKillAfterDelay: 20_000,
  });
  variables = Object.fromEntries(
    (await readFile(environment, "utf8")).split("\0").flatMap((line) => {
      const at = line.indexOf("=");
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
  return { exitCode: ended.exitCode ?? 128, output: ended.all };
}

async function clean(): Promise<void> {
  if (existsSync(join(lab, "lab.json"))) await reset({ folder: lab });
  await rm(folder, { recursive: true, force: true });
}

beforeAll(async () => {
  await clean();
  await mkdir(folder, { recursive: true });
  await execa("git", ["-c", "safe.directory=*", "clone", "-q", checkout, clone]);
  // What npm ci would put there again.
  await execa("cp", ["-al", join(checkout, "node_modules"), join(clone, "node_modules")]);
});
afterAll(clean);

test("every command of the tutorial's lab part does what the page says, in a fresh clone", async () => {
  for (const { line, text, fails, shows } of inTheLab) {
    const { exitCode, output } = await type(text);
    const where = `line ${line} of docs/tutorial.md:\n${text}\n\n${output}`;
    expect(exitCode !== 0, where).toBe(fails);
    expect(missingIn(output, shows), where).toEqual([]);
  }
  expect(existsSync(lab), "the lab is gone").toBe(false);
});

test.each(Object.entries(pulumiOptions))(
  "pulumi %s is there, with the options that the page uses",
  async (verb, options) => {
    const env = await labEnvironment(placesIn(lab));
    const { stdout } = await execa("pulumi", [...verb.split(" "), "--help"], { env });
    // Its own help, and not that of the word before it; `stack init` is another name of `stack new`.
    expect(stdout).toMatch(new RegExp(`^(Usage|Aliases):\n.*\\b${verb.split(" ").at(-1)}\\b`, "m"));
    for (const option of options) expect(stdout).toContain(option);
  },
);
