import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TimedOut } from "../../../../deployer/process.ts";
import { ResidentShell } from "../../../../deployer/ssh/shell.ts";

const file = new URL("../../../../deployer/ssh/resident.sh", import.meta.url).pathname;
const program = readFileSync(file, "utf8");
const deadline = 20_000;
let child: ChildProcess;
let shell: ResidentShell;

beforeEach(() => {
  child = spawn("sh", ["-c", program], { stdio: ["pipe", "pipe", "pipe"] });
  shell = new ResidentShell(child);
});
afterEach(() => void child.kill("SIGKILL"));

const run = (script: string, input = "") => shell.run(script, { input: [Buffer.from(input)], deadline });

test("the shell's program is clean under shellcheck", ({ skip }) => {
  const checked = spawnSync("shellcheck", [file], { encoding: "utf8" });
  skip(checked.error !== undefined, "shellcheck is not installed");
  expect(checked.stdout).toBe("");
});

describe("a resident shell", () => {
  test("runs one script after the other, and tells what each wrote and how it ended", async () => {
    expect(await run("cat; echo trouble >&2; exit 3", "given\n")).toEqual({
      exitCode: 3,
      stdout: "given\n",
      stderr: "trouble\n",
    });
    expect(await run("echo $((1 + 1))")).toEqual({ exitCode: 0, stdout: "2\n", stderr: "" });
  });

  test("nothing of a script is there for the next: no variable, no option, no input that was not read", async () => {
    expect((await run("set -eu; left=1; cd /; exit 0", "not\nread\n")).exitCode).toBe(0);
    expect((await run("echo $left; false; cat")).stdout).toBe("\n");
  });

  test("hands on any bytes, whatever they look like, in both directions", async () => {
    const bytes = fc.string({
      unit: fc.oneof(fc.constantFrom("\n", "\\", "'", "0 0 x\n", "é", "🦭"), fc.string()),
    });
    await fc.assert(
      fc.asyncProperty(bytes, async (given) => {
        const text = given.replaceAll("\0", "");
        expect((await run("cat", text)).stdout).toBe(text);
      }),
      { numRuns: 30, examples: [[""], ["\n"], ["\n\n"], ["x".repeat(300_000)]] },
    );
  });

  test("is given the pieces of its input as one, whatever bytes they hold", async () => {
    const input = [
      Buffer.from("text\n"),
      Uint8Array.from([0, 255, 10, 128]),
      new Uint8Array(),
      Buffer.alloc(300_000, 7),
    ];
    const { stdout } = await shell.run("sha256sum", { input, deadline });
    expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(Buffer.concat(input)).digest("hex"));
  });

  test("is busy while a script runs, and idle after it", async () => {
    const running = run("sleep 0.2");
    expect(shell.idle).toBe(false);
    await running;
    expect(shell.idle).toBe(true);
  });

  test("runs what is sent meanwhile behind that, each with its own answer, and without waiting for this side", async () => {
    const ended = await Promise.all([
      run("sleep 0.2; cat; echo one >&2", "1\n\n"),
      run("exit 2"),
      run("cat; printf three >&2", "\n3"),
    ]);
    expect(ended).toEqual([
      { exitCode: 0, stdout: "1\n\n", stderr: "one\n" },
      { exitCode: 2, stdout: "", stderr: "" },
      { exitCode: 0, stdout: "\n3", stderr: "three" },
    ]);
  });

  test("when the connection breaks, so do all that have not been answered", async () => {
    const ended = await Promise.all([run("echo begun; kill -9 $PPID"), run("echo never")]);
    expect(ended).toEqual([
      { exitCode: 255, stdout: "begun\n", stderr: "" },
      { exitCode: 255, stdout: "", stderr: "" },
    ]);
  });

  test("a script that does not end in time is told so, and nothing is run behind it", async () => {
    await expect(shell.run("sleep 5", { input: [], deadline: 200 })).rejects.toThrow(TimedOut);
    expect(shell.idle).toBe(false);
  });

  test("a script that is cancelled throws at once", async () => {
    const controller = new AbortController();
    const running = shell.run("sleep 5", { input: [], deadline, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toThrow("cancelled");
    expect(shell.idle).toBe(false);
  });

  test("a connection that breaks ends the script with 255 and what was said until then", async () => {
    const ended = await run("echo begun; echo half >&2; kill -9 $PPID");
    expect(ended).toEqual({ exitCode: 255, stdout: "begun\n", stderr: "half\n" });
    expect(shell.idle).toBe(false);
  });

  test("what was said before a request is not taken for its answer", async () => {
    child.stdout?.emit("data", Buffer.from("Welcome!\n"));
    expect((await run("echo hello")).stdout).toBe("hello\n");
  });

  test("leaves nothing on the host when the connection goes", async () => {
    const { stdout } = await run('dirname "$0"');
    const folder = stdout.trim();
    expect(existsSync(folder)).toBe(true);
    child.stdin?.end();
    await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 5_000 });
  });
});
