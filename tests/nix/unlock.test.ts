import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asRoot, has, output, repository, rootSucceeds } from "./nix.ts";

// What is run over ssh while a disk is locked, against questions as systemd asks them.
const script = join(repository, "nixos/disks/unlock.sh");

let folder: string;
const inFolder = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-unlock-"));
  await mkdir(inFolder("questions"));
});
afterEach(() => rm(folder, { recursive: true }));

const question = (name: string, socket: string) =>
  writeFile(inFolder(`questions/ask.${name}`), `[Ask]\nPID=1\nSocket=${socket}\nMessage=Passphrase\n`);

/** What happens when the question is answered: the answer and its arguments are kept. */
async function answering(then: string): Promise<void> {
  await writeFile(
    inFolder("reply"),
    `#!/bin/sh\ncat >${folder}/answer\necho "$@" >${folder}/words\n${then}\n`,
  );
  await chmod(inFolder("reply"), 0o755);
}

const unlock = (input: string, env: Record<string, string> = {}) =>
  execa("sh", [script], {
    input,
    reject: false,
    timeout: 30_000,
    env: {
      BERTH_QUESTIONS: inFolder("questions"),
      BERTH_REPLY: inFolder("reply"),
      BERTH_MAPPED: inFolder("mapped"),
      BERTH_PATIENCE: "3",
      ...env,
    },
  });

test("the passphrase goes to whoever asks, without the line's end and not as an argument", async () => {
  await question("a", "/run/sck.a");
  await answering(`rm ${folder}/questions/ask.a; : >${folder}/mapped`);
  const { exitCode, stdout } = await unlock("correct horse\n");
  expect([exitCode, stdout]).toEqual([0, "the disk is open; the boot goes on"]);
  expect(await readFile(inFolder("answer"), "utf8")).toBe("correct horse");
  expect(await readFile(inFolder("words"), "utf8")).toBe("1 /run/sck.a\n");
});

test("a wrong passphrase is said to be wrong, and is tried once", async () => {
  await question("a", "/run/sck.a");
  await answering(`rm ${folder}/questions/ask.a; printf 'Socket=/run/sck.b\\n' >${folder}/questions/ask.b`);
  const { exitCode, stderr } = await unlock("battery staple\n");
  expect([exitCode, stderr]).toEqual([1, "unlock: the passphrase is wrong: the disk asks again"]);
  expect(await readFile(inFolder("words"), "utf8")).toBe("1 /run/sck.a\n");
});

test("no passphrase is no answer", async () => {
  await question("a", "/run/sck.a");
  await answering("");
  expect(await unlock("\n")).toMatchObject({ exitCode: 2, stderr: "unlock: no passphrase on stdin" });
  await expect(readFile(inFolder("answer"))).rejects.toThrow("ENOENT");
});

test("where nobody asks, it ends and says so, otherwise than for a wrong passphrase", async () => {
  await answering("");
  expect(await unlock("correct horse\n")).toMatchObject({
    exitCode: 75,
    stderr: "unlock: nobody has asked for a passphrase in time",
  });
});

test("a disk that is open already needs nothing", async () => {
  await writeFile(inFolder("mapped"), "");
  await answering("");
  expect((await unlock("correct horse\n")).exitCode).toBe(0);
});

test("systemd's own question is answered by systemd's own reply", async (ctx) => {
  const asker = "/run/systemd/ask-password";
  const reply = "/usr/lib/systemd/systemd-reply-password";
  if (!(await rootSucceeds("true"))) return ctx.skip("needs root, to ask as a disk does");
  if (!(await rootSucceeds("test", "-x", reply))) return ctx.skip("needs systemd-reply-password");
  const id = `berth-test:${process.pid}`;
  const [file = "", ...words] = [...asRoot, "systemd-ask-password", "--no-tty", "--timeout=20", `--id=${id}`];
  const asked = execa(file, [...words, "Passphrase"], { reject: false });
  await writeFile(inFolder("reply"), `#!/bin/sh\nexec ${[...asRoot, reply].join(" ")} "$@"\n`);
  await chmod(inFolder("reply"), 0o755);
  const opens = asked.then(() => writeFile(inFolder("mapped"), ""));
  // Only the question of this test, should somebody else be asked for something here.
  const ours = async () => {
    for (const name of (await readdir(asker).catch(() => [])).filter((name) => name.startsWith("ask."))) {
      const text = await readFile(join(asker, name), "utf8").catch(() => "");
      if (text.includes(id)) return text;
    }
    return undefined;
  };
  await expect.poll(ours, { timeout: 10_000 }).toBeDefined();
  await writeFile(inFolder("questions/ask.ours"), (await ours()) ?? "");
  const { exitCode } = await unlock("correct horse\n", { BERTH_PATIENCE: "15" });
  await opens;
  expect([exitCode, (await asked).stdout]).toEqual([0, "correct horse"]);
});

test("shellcheck finds nothing in what a layout brings", async (ctx) => {
  if (!(await has("shellcheck"))) return ctx.skip("needs shellcheck on PATH");
  await output("shellcheck", [script, join(repository, "nixos/disks/snapshots-go-back.sh")]);
});
