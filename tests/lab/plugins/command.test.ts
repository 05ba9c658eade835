import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandStandIn } from "../../../lab/plugins/command/provider.ts";
import { EngineDouble, Refused, secret, UNKNOWN, type Wire } from "../../unit/provider/client.ts";

const start = (type = "command:local:Command") => EngineDouble.start(commandStandIn, type);
const refusal = async (call: Promise<unknown>): Promise<string> =>
  await call.then(
    () => expect.unreachable("the call was answered"),
    (error: unknown) => (error instanceof Refused ? error.message : expect.unreachable(String(error))),
  );

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-command-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("creating a command", () => {
  test.each<[string, Wire, string, string]>([
    [
      "keeps both streams, one trailing line break less",
      { create: "printf 'a\\n\\n\\n'; printf ' b \\n' >&2" },
      "a\n\n",
      " b ",
    ],
    [
      "runs /bin/sh -c in the given folder",
      { create: "echo $0 $#; pwd", dir: "/usr" },
      "/bin/sh 0\n/usr",
      "",
    ],
    [
      "runs another interpreter",
      { create: "console.log(1+1)", interpreter: [process.execPath, "-e"] },
      "2",
      "",
    ],
    ["gives stdin as it is", { create: "cat; echo .", stdin: "one\ntwo\n" }, "one\ntwo\n.", ""],
    [
      "adds the environment to its own",
      { create: 'echo "$A$' + '{HOME:+home}"', environment: { A: "a" } },
      "ahome",
      "",
    ],
    ["does nothing without a command", { environment: { A: "a" } }, "", ""],
  ])("%s", async (_, inputs, stdout, stderr) => {
    await using engine = await start();
    const { id, outputs } = await engine.create("c", inputs);
    expect(outputs).toEqual({ ...inputs, stdout, stderr });
    expect(id).toMatch(/^c[0-9a-f]{8}$/);
  });

  test.each<[string, Wire, string]>([
    [
      "an exit status, the text and all output",
      { create: 'echo out; echo "e\'rr \\"q\\"" >&2; exit 7' },
      'exit status 7: running "echo out; echo \\"e\'rr \\\\\\"q\\\\\\"\\" >&2; exit 7":\nout\ne\'rr "q"\n',
    ],
    ["a signal", { create: "kill -9 $$" }, 'signal: killed: running "kill -9 $$":\n'],
    [
      "an interpreter that is not there",
      { create: "x", interpreter: ["/nope/sh", "-c"] },
      'fork/exec /nope/sh: no such file or directory: running "x":\n',
    ],
    [
      "an interpreter that is not on PATH",
      { create: "x", interpreter: ["no-such-interpreter"] },
      'exec: "no-such-interpreter": executable file not found in $PATH: running "x":\n',
    ],
    [
      "a folder that is not there",
      { create: "pwd", dir: "/nope" },
      'chdir /nope: no such file or directory: running "pwd":\n',
    ],
    [
      "a text that needs quoting as Go does it",
      { create: "printf 'ä\t€ \u0001'\nexit 4" },
      "exit status 4: running \"printf 'ä\\t€ \\x01'\\nexit 4\":\nä\t€ \u0001",
    ],
    [
      "output that is no text",
      { create: "printf 'a\\377b'" },
      "grpc: error while marshaling: string field contains invalid UTF-8",
    ],
    [
      "an argument list too long",
      { create: "true", environment: { A: "x".repeat(200_000) } },
      'fork/exec /bin/sh: argument list too long: running "true":\n',
    ],
  ])("fails with %s", async (_, inputs, message) => {
    await using engine = await start();
    expect(await refusal(engine.create("c", inputs))).toBe(message);
  });

  test("keeps secret inputs secret, and says what the command printed", async () => {
    await using engine = await start();
    const inputs = { create: "cat; echo $A", stdin: secret("hush"), environment: { A: secret("a"), B: "b" } };
    expect((await engine.create("c", inputs)).outputs).toEqual({ ...inputs, stdout: "husha", stderr: "" });
  });
});

describe("while a command runs", () => {
  const linesOf = async (inputs: Wire) => {
    await using engine = await start();
    await engine.create("c", inputs);
    expect(engine.log.every(({ ephemeral, urn }) => ephemeral && urn === engine.urn("c"))).toBe(true);
    return engine.log.map(({ message }) => message);
  };
  const both = "echo out; sleep 0.1; echo err >&2";

  test.each<[string, Wire, string[]]>([
    ["both streams are shown", { create: both }, ["out", "err"]],
    ["standard output alone", { create: both, logging: "stdout" }, ["out"]],
    ["standard error alone", { create: both, logging: "stderr" }, ["err"]],
    ["both when asked for", { create: both, logging: "stdoutAndStderr" }, ["out", "err"]],
    ["nothing", { create: both, logging: "none" }, []],
    [
      "lines with what ends them taken off",
      { create: "printf 'x\\n\\ny\\r\\nlast'" },
      ["x", "", "y", "last"],
    ],
    [
      "a character that comes in two pieces",
      { create: "printf '\\303'; sleep 0.1; printf '\\244\\n'" },
      ["ä"],
    ],
  ])("%s", async (_, inputs, lines) => {
    expect(await linesOf(inputs)).toEqual(lines);
  });

  test("a line of more than 64 KiB hangs nothing and is cut in what is shown", async () => {
    await using engine = await start();
    const { outputs } = await engine.create("c", { create: "head -c 300000 /dev/zero | tr '\\0' x" });
    expect(String(outputs.stdout)).toHaveLength(300_000);
    expect(engine.log.map(({ message }) => message.length)).toEqual([65_536]);
  });
});

describe("a timeout or a cancel", () => {
  test("kills the command", async () => {
    await using engine = await start();
    const refused = await refusal(
      engine.create("c", { create: "echo start; exec sleep 30" }, { timeout: 0.5 }),
    );
    expect(refused).toBe('signal: killed: running "echo start; exec sleep 30":\nstart\n');
  });

  test("kills nothing below it, and waits for whoever holds the pipes, as the real one does", async () => {
    await using engine = await start();
    const began = Date.now();
    await refusal(engine.create("c", { create: "echo start; sleep 1.5; echo end" }, { timeout: 0.2 }));
    expect(Date.now() - began).toBeGreaterThan(1_200);
  });

  test("reaches a command that runs when the engine cancels", async () => {
    await using engine = await start();
    const refused = refusal(engine.create("c", { create: "echo start; exec sleep 30" }));
    await expect.poll(() => engine.log.length).toBe(1);
    await engine.cancel();
    expect(await refused).toMatch(/^signal: killed: running/);
  });
});

describe("changing a command", () => {
  const olds = (inputs: Wire, output: Wire = { stdout: "was", stderr: "" }) => ({
    inputs,
    outputs: { ...inputs, ...output },
    id: "c1",
  });

  test.each<[string, Wire, Wire, Record<string, string>]>([
    ["the command", { create: "a" }, { create: "b" }, { create: "update" }],
    ["one variable", { environment: { A: "1" } }, { environment: { A: "2" } }, { "environment.A": "update" }],
    [
      "a trigger",
      { triggers: ["t1"] },
      { triggers: ["t2", "t3"] },
      { "triggers[0]": "update-replace", "triggers[1]": "add-replace" },
    ],
    [
      "an unknown trigger",
      { triggers: ["t1"] },
      { triggers: [UNKNOWN] },
      { "triggers[0]": "update-replace" },
    ],
    ["`delete` alone", { create: "a", delete: "x" }, { create: "a" }, { delete: "delete" }],
  ])("%s is seen", async (_, was, now, detailed) => {
    await using engine = await start();
    const result = await engine.diff("c", olds(was), now);
    expect(result).toMatchObject({ changes: true, detailed, deleteBeforeReplace: false });
  });

  test.each<[string, Wire, Wire]>([
    [
      "runs `update`",
      { create: "echo c", update: "echo u $PULUMI_COMMAND_STDOUT" },
      { stdout: "u was", stderr: "" },
    ],
    [
      "runs `create` where there is no `update`",
      { create: "echo c $PULUMI_COMMAND_STDOUT" },
      { stdout: "c was", stderr: "" },
    ],
    [
      'overwrites the output with nothing for an update of ":"',
      { create: "echo c", update: ":" },
      { stdout: "", stderr: "" },
    ],
    ["runs an empty `update` too", { create: "echo c", update: "" }, { stdout: "", stderr: "" }],
    ["keeps the output when there is nothing to run", {}, { stdout: "was", stderr: "" }],
    [
      "hides the output before from the command if told to",
      { create: "echo c $PULUMI_COMMAND_STDOUT", addPreviousOutputInEnv: false },
      { stdout: "c", stderr: "" },
    ],
  ])("%s", async (_, inputs, output) => {
    await using engine = await start();
    expect(await engine.update("c", olds({ create: "x" }), inputs)).toEqual({ ...inputs, ...output });
  });

  const known = { stdout: "was", stderr: "" };
  const hidden = { stdout: UNKNOWN, stderr: UNKNOWN };
  test.each<[string, Wire, Wire, Wire]>([
    ["a changed input hides the output", { create: "a", dir: "/" }, { create: "a", dir: "/usr" }, hidden],
    ["a removed input hides it", { create: "a", dir: "/" }, { create: "a" }, hidden],
    ["an unknown input hides it", { create: "a" }, { create: UNKNOWN }, hidden],
    ["an added input does not", { create: "a" }, { create: "a", update: ":" }, known],
  ])("in a preview %s", async (_, was, now, output) => {
    await using engine = await start();
    expect(await engine.update("c", olds(was), now, { preview: true })).toEqual({ ...now, ...output });
  });

  test("shows no output in the preview of a new command, and runs nothing", async () => {
    await using engine = await start();
    const inputs = { create: `touch ${folder}/ran` };
    expect((await engine.create("c", inputs, { preview: true })).outputs).toEqual({ ...inputs, ...hidden });
    await expect(readFile(join(folder, "ran"))).rejects.toThrow("ENOENT");
  });
});

describe("deleting a command", () => {
  test("runs what is stored, with the last output in its environment", async () => {
    await using engine = await start();
    const file = join(folder, "deleted");
    const inputs = {
      delete: `echo "$A $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR" > ${file}`,
      environment: { A: "a" },
    };
    await engine.delete("c", "c1", { inputs: {}, outputs: { ...inputs, stdout: "out", stderr: "err" } });
    expect(await readFile(file, "utf8")).toBe("a out err\n");
  });

  test("without `delete` does nothing, and fails with what the command says", async () => {
    await using engine = await start();
    await engine.delete("c", "c1", { inputs: {}, outputs: { create: "false", stdout: "", stderr: "" } });
    const outputs = { delete: "echo nope; exit 9", stdout: "", stderr: "" };
    expect(await refusal(engine.delete("c", "c1", { inputs: {}, outputs }))).toBe(
      'exit status 9: running "echo nope; exit 9":\nnope\n',
    );
  });
});

describe("inputs", () => {
  test.each<[Wire, string, string]>([
    [
      { create: 5 },
      "create",
      "Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead",
    ],
    [
      { environment: { A: 5 } },
      "environment[A] value",
      "Field 'environment[A] value' on 'local.CommandInputs' must be a 'string'; got 'float64' instead",
    ],
    [
      { environment: "A=5" },
      "environment",
      "Field 'environment' on 'local.CommandInputs' must be a 'map[string]string'; got 'string' instead",
    ],
    [
      { interpreter: "sh" },
      "interpreter",
      "Field 'interpreter' on 'local.CommandInputs' must be a '[]string'; got 'string' instead",
    ],
    [
      { addPreviousOutputInEnv: "no" },
      "addPreviousOutputInEnv",
      "Field 'addPreviousOutputInEnv' on 'local.CommandInputs' must be a 'bool'; got 'string' instead",
    ],
    [
      { assetPaths: ["*"] },
      "assetPaths",
      "the lab's stand-in for command does not have assetPaths; install the real plugin",
    ],
    [{ bogus: 1 }, "bogus", "the lab's stand-in for command does not know this input"],
  ])("such as %j are refused", async (inputs, property, reason) => {
    await using engine = await start();
    expect((await engine.check("c", inputs)).failures).toEqual([[property, reason]]);
  });

  test("that are null are taken for not set, and unknown ones pass", async () => {
    await using engine = await start();
    const checked = await engine.check("c", { create: UNKNOWN, dir: null, triggers: [1, { a: [null] }] });
    expect(checked).toEqual({ inputs: { create: UNKNOWN, triggers: [1, { a: [null] }] }, failures: [] });
  });
});

describe("the function run", () => {
  test("runs its command and gives back what it was given, with the output", async () => {
    await using engine = await start();
    const args = { command: "cat; echo $A >&2", stdin: "in", environment: { A: secret("a") } };
    expect(await engine.invoke("command:local:run", args)).toEqual({ ...args, stdout: "in", stderr: "a" });
  });

  test("needs a command, and fails as one does", async () => {
    await using engine = await start();
    expect(await refusal(engine.invoke("command:local:run", {}))).toBe(
      "Missing required field 'command' on 'local.RunInputs' (command)",
    );
    expect(await refusal(engine.invoke("command:local:run", { command: "echo hi; exit 3" }))).toBe(
      'exit status 3: running "echo hi; exit 3":\nhi\n',
    );
  });
});

describe("the stand-in", () => {
  test("says once that it is one", async () => {
    await using engine = await start();
    await engine.configure();
    await expect
      .poll(() => engine.log.map(({ message }) => message))
      .toEqual([
        expect.stringMatching(/^The lab's stand-in plays the provider plugin command \d+\.\d+\.\d+\./),
      ]);
  });

  test.each(["command:remote:Command", "command:remote:CopyToRemote", "command:remote:CopyFile"])(
    "refuses %s",
    async (type) => {
      await using engine = await start(type);
      expect(await refusal(engine.check("c", {}))).toBe(
        `the lab's stand-in for command does not have ${type}; install the real plugin`,
      );
    },
  );
});
