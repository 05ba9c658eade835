import { spawn } from "node:child_process";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../deployer/failure.ts";
import { forEachLine, lastLines, NotStarted, run, runPiped, TimedOut } from "../../../deployer/process.ts";

const node = (script: string, ...args: string[]): [string, string[]] => [
  process.execPath,
  ["-e", script, ...args],
];

async function errorOf(work: Promise<unknown>): Promise<Error> {
  return await work.then(
    () => Promise.reject(new Error("it went well")),
    (error: Error) => error,
  );
}

/** Is a process there and not just waiting to be collected? */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a child process", () => {
  test("gets its input and its environment, and tells how it ended", async () => {
    const ended = await run("sh", ["-c", 'cat; echo "$GREETING" >&2; exit 3'], {
      input: "one\ntwo\n",
      env: { GREETING: "ahoy" },
      deadline: 5_000,
    });
    expect(ended).toEqual({ exitCode: 3, stdout: "one\ntwo\n", stderr: "ahoy\n" });
  });

  test("that a signal ends has not ended well", async () => {
    expect((await run("sh", ["-c", "kill -9 $$"], { deadline: 5_000 })).exitCode).toBe(128);
  });

  test("finds stdin at its end when it is given nothing", async () => {
    expect((await run("cat", [], { deadline: 5_000 })).stdout).toBe("");
  });

  test("is killed at its deadline, even when it ignores being asked", async () => {
    const started = Date.now();
    let pid = 0;
    const script = "process.on('SIGTERM', () => {}); console.error(process.pid); setInterval(() => {}, 1000)";
    const work = run(...node(script), { deadline: 700, onLine: (line) => (pid = Number(line)) });
    const error = await errorOf(work);
    expect(error).toBeInstanceOf(TimedOut);
    expect(error.message).toContain("no end within 0.7 s. Next: ");
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => runs(pid), { timeout: 30_000 }).toBe(false);
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  test("does not outlast its deadline through a grandchild that holds its output", async () => {
    const started = Date.now();
    const error = await errorOf(run("sh", ["-c", "sleep 45 & wait"], { deadline: 300 }));
    expect(error).toBeInstanceOf(TimedOut);
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  test("ends when it is cancelled", async () => {
    const cancel = new AbortController();
    const work = errorOf(run("sleep", ["30"], { deadline: 30_000, signal: cancel.signal }));
    cancel.abort();
    expect((await work).message).toBe("sleep was cancelled");
  });

  test("that is missing is one clear line", async () => {
    const error = await errorOf(run("berth-no-such-program", ["x"], { deadline: 1_000 }));
    expect(error).toBeInstanceOf(NotStarted);
    expect(error).toBeInstanceOf(Failure);
    expect(error.message).toBe(
      "start berth-no-such-program: it is not on PATH. Next: install berth-no-such-program or put its folder on PATH.",
    );
  });

  test("that was cancelled before is not started", async () => {
    const work = run("berth-no-such-program", [], { deadline: 1_000, signal: AbortSignal.abort() });
    expect((await errorOf(work)).message).toBe("berth-no-such-program was cancelled");
  });

  test("that cannot be started for another reason says which", async () => {
    const error = await errorOf(run("cat", ["x".repeat(3_000_000)], { deadline: 1_000 }));
    expect(error).toBeInstanceOf(NotStarted);
    expect(error.message).toMatch(/^start cat: .*E2BIG/);
  });

  test("that does not read what it is given is judged by how it ends", async () => {
    const ended = await run("sh", ["-c", "exec <&-; echo done"], {
      input: "x".repeat(5_000_000),
      deadline: 5_000,
    });
    expect(ended).toEqual({ exitCode: 0, stdout: "done\n", stderr: "" });
  });

  test("is fed by a stream, and has failed where that breaks off", async () => {
    const whole = Readable.from([Buffer.from("one\n"), Buffer.from("two\n")]);
    expect((await run("cat", [], { input: whole, deadline: 5_000 })).stdout).toBe("one\ntwo\n");
    const broken = new Readable({
      read() {
        this.push("one\n");
        this.destroy(new Error("the disk is gone"));
      },
    });
    const work = run("sh", ["-c", "cat; exec sleep 30"], { input: broken, deadline: 30_000 });
    expect((await errorOf(work)).message).toBe("the disk is gone");
  });

  test("that writes without end is ended", async () => {
    const work = run("sh", ["-c", "exec cat /dev/zero"], { deadline: 30_000 });
    expect((await errorOf(work)).message).toBe("sh wrote more than 64 MB");
  });

  test("may have its output told by lines, of which none is kept", async () => {
    const lines: string[] = [];
    const script = "echo out; echo err >&2; head -c 100000000 /dev/zero | tr '\\0' '\\n'; echo last";
    const ended = await run("sh", ["-c", script], {
      ...{ deadline: 30_000, keepStderr: false },
      ...{ onLine: (line) => lines.push(line), onOutput: (line) => lines.push(line) },
    });
    expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(lines.sort()).toEqual(["err", "last", "out"]);
  });

  test.each(["SIGTERM", "an exit"])("does not outlast this process, whether that ends by %s", async (how) => {
    const program = `
      import { run } from ${JSON.stringify(new URL("../../../deployer/process.ts", import.meta.url).href)};
      run("sh", ["-c", "echo $$ >&2; exec sleep 60"], { deadline: 60_000, onLine: (line) => {
        console.log(line);
        ${how === "SIGTERM" ? "" : "process.exit(0);"}
      } }).catch(() => undefined);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = await new Promise((resolve) => child.stdout.once("data", resolve));
    const pid = Number(String(said));
    if (how === "SIGTERM") child.kill("SIGTERM");
    await expect.poll(() => runs(pid)).toBe(false);
  });

  test("never has its input in an error", async () => {
    const error = await errorOf(run("sleep", ["30"], { input: "hunter2", deadline: 100 }));
    expect(JSON.stringify([error.message, error.stack])).not.toContain("hunter2");
  });

  test("may write long without ending a line", async () => {
    const size = 8 * 1024 * 1024;
    const lines: string[] = [];
    const script = `process.stderr.write("x".repeat(${size}), () => process.stderr.write("\\nend\\n"))`;
    const ended = await run(...node(script), { deadline: 8_000, onLine: (line) => lines.push(line) });
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr.length).toBe(size + 5);
    expect(lines.map((line) => line.length)).toEqual([size, 3]);
  });

  test("tells its lines as they come", async () => {
    const lines: string[] = [];
    const work = run("sh", ["-c", "echo first >&2; read -r _ || sleep 1; echo second >&2"], {
      deadline: 5_000,
      onLine: (line) => lines.push(line),
    });
    await expect.poll(() => lines).toEqual(["first"]);
    await work;
    expect(lines).toEqual(["first", "second"]);
  });
});

describe("the lines of a stream", () => {
  test.each<[string, string[], string[]]>([
    ["end with a line feed", ["a\nb\n"], ["a", "b"]],
    ["end with both", ["a\r\nb\r\n"], ["a", "b"]],
    [
      "end with a carriage return, as a progress bar's do",
      ["10%\r20%\r", "30%\rdone\n"],
      ["10%", "20%", "30%", "done"],
    ],
    ["may come in pieces", ["on", "e\ntw", "o\n"], ["one", "two"]],
    ["may lack their last end", ["a\nb"], ["a", "b"]],
    ["are left out when they say nothing", ["\n  \na\n\n"], ["a"]],
    ["keep what they begin with", ["  a  \n"], ["  a"]],
  ])("%s", async (_, chunks, expected) => {
    const stream = new PassThrough();
    const lines: string[] = [];
    forEachLine(stream, (line) => lines.push(line));
    for (const chunk of chunks) {
      stream.write(chunk);
      await sleep(5);
    }
    stream.end();
    await expect.poll(() => lines).toEqual(expected);
  });

  test("are told at each carriage return, not at the end", async () => {
    const stream = new PassThrough();
    const lines: string[] = [];
    forEachLine(stream, (line) => lines.push(line));
    stream.write("10%\r20%\r");
    await expect.poll(() => lines).toContain("10%");
    stream.end();
  });
});

test.each([
  ["a\nb\nc\n", 2, "b\nc"],
  ["a\n\n \n", 2, "a"],
  ["10%\r20%\rdone", 2, "20%\ndone"],
  ["", 5, ""],
])("the last lines of %j that say something, %i at most, are %j", (text, count, expected) => {
  expect(lastLines(text, count)).toBe(expected);
});

describe("two programs, one's output being the other's input", () => {
  const deadline = 20_000;

  test("lose no byte between them, however much it is", async () => {
    const much = node("process.stdout.write(Buffer.alloc(30_000_000, 'berth '))");
    const count = node(
      "let n = 0; process.stdin.on('data', (c) => { n += c.length }).on('end', () => console.log(n))",
    );
    for (let time = 0; time < 3; time++)
      expect(await runPiped(much, count, { deadline })).toEqual({
        exitCode: 0,
        stdout: "30000000\n",
        stderr: "",
      });
  });

  test.each([
    ["the first fails", "exit 3", "cat >/dev/null", 3],
    ["the second fails", "echo hello", "cat >/dev/null; exit 4", 4],
    ["both fail", "exit 3", "exit 4", 4],
  ])("have failed when %s", async (_, first, second, exitCode) => {
    const ended = await runPiped(["sh", ["-c", first]], ["sh", ["-c", second]], { deadline });
    expect(ended).toMatchObject({ exitCode });
  });

  test("are not run when one of them is missing", async () => {
    const there = ["cat", []] as const;
    const missing = ["no-such-program", []] as const;
    for (const [first, second] of [
      [there, missing],
      [missing, there],
    ] as const)
      expect((await errorOf(runPiped(first, second, { deadline }))).message).toContain(
        "start no-such-program: it is not on PATH",
      );
  });

  test("are both killed at their deadline and when they are cancelled", async () => {
    const sleeper = ["sh", ["-c", "exec sleep 60"]] as const;
    expect(await errorOf(runPiped(sleeper, sleeper, { deadline: 200 }))).toBeInstanceOf(TimedOut);
    const controller = new AbortController();
    const running = errorOf(runPiped(sleeper, sleeper, { deadline, signal: controller.signal }));
    controller.abort();
    expect((await running).message).toContain("cancelled");
  });
});
