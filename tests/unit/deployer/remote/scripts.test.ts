import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../../deployer/process.ts";
import {
  type Document,
  remote,
  renderDocument,
  type ScriptName,
  scriptNames,
} from "../../../../deployer/remote/scripts.ts";
import type { RemoteOptions, SshSession } from "../../../../deployer/ssh/session.ts";
import { has, shells } from "../../shells.ts";

const folder = new URL("../../../../deployer/remote/", import.meta.url).pathname;
const lib = readFileSync(join(folder, "lib.sh"), "utf8");
const shim = new URL("../../../../deployer/install/ssh-shim", import.meta.url).pathname;

/** Text of one line with all that shells and formats stumble over. */
const line = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(..."='\"\\$`!*~%&;|<>(){}[]#- \t"),
      fc.constantFrom("---", "\\n", "\\x2d", "%s", "é", "\u2028", "🦭", "\u0001", "\u001b[31m"),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    ),
  })
  .filter((text) => !/[\r\n\0]/.test(text));

describe("a document for a host", () => {
  test("is lines of key=value, a list as several, closed by ---, and what follows for the script", () => {
    expect(renderDocument({ id: "abc", seconds: 3, path: ["/a 1", "/b 2"] }, "rest\n")).toBe(
      "id=abc\nseconds=3\npath=/a 1\npath=/b 2\n---\nrest\n",
    );
    expect(renderDocument({})).toBe("---\n");
  });

  test.each(["two\nlines", "a\rb", "nothing\0more", "end\n"])("may not hold a value like %j", (value) => {
    expect(() => renderDocument({ id: "a", owner: value })).toThrow("owner holds a line break");
    expect(() => renderDocument({ path: ["/a 1", value] })).toThrow("path holds a line break");
  });

  test.each(shells)("is read by lib.sh under %s as it was given, with what follows left over", (shell) => {
    const script = `${lib}\nprintf '%s\\0' "$doc_id" "$doc_owner" "$doc_toplevel" "$doc_system" "$doc_seconds" "$doc_paths"; cat`;
    const document = fc.record({
      id: fc.stringMatching(/^[a-z0-9-]{1,12}$/),
      owner: line,
      toplevel: line.map((text) => `/nix/store/${"a".repeat(32)}-${text}`),
      system: line,
      seconds: fc.nat(),
      path: fc.array(line, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(document, fc.oneof(line, fc.constant("---\nid=other\n")), (given, rest) => {
        const seen = execFileSync(shell, ["-c", script], {
          input: renderDocument(given, rest),
          encoding: "utf8",
        });
        const paths = given.path.map((one) => `${one}\n`).join("");
        const values = [given.id, given.owner, given.toplevel, given.system, given.seconds, paths];
        expect(seen).toBe(values.map((value) => `${value}\0`).join("") + rest);
      }),
      { numRuns: 25 },
    );
  });

  test.each<[string, string, string]>([
    ["a key it does not know", "id=a\ncommand=reboot\n---\n", "unknown key in the document: command"],
    ["a line that is none", "id=a\nreboot\n---\n", "unknown key in the document: reboot"],
    ["no end", "id=a\nowner=me\n", "the document was cut off"],
    ["an end in the middle of a line", "id=a\nowner=m", "the document was cut off"],
    ["nothing at all", "", "the document was cut off"],
    ["an id that leads elsewhere", "id=../../etc\n---\n", "bad id: ../../etc"],
    ["a system outside the store", "toplevel=/tmp/evil\n---\n", "not a store path: /tmp/evil"],
  ])("with %s is refused before anything is done", (_, input, because) => {
    const seen = spawnSync("sh", ["-c", `${lib}\necho done`], { input, encoding: "utf8" });
    expect([seen.status, seen.stdout, seen.stderr]).toEqual([64, "", `${because}\n`]);
  });
});

describe("json_string", () => {
  const awks: [string, string[]][] = [
    ["mawk", []],
    ["gawk", []],
    ["original-awk", []],
    ["busybox", ["awk"]],
  ];
  const found = awks.filter(([program, args]) => has(program, ...args, "BEGIN { exit }"));
  let bin: string;
  beforeAll(() => {
    bin = mkdtempSync(join(tmpdir(), "berth-awk-"));
    for (const [program] of found) {
      const path = execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim();
      execFileSync("mkdir", [join(bin, program)]);
      // busybox goes by the name it is called with.
      symlinkSync(path, join(bin, program, "awk"));
    }
  });
  afterAll(() => rmSync(bin, { recursive: true }));

  /** JSON that the host would send for a text. */
  function json(text: string, awk?: string): string {
    const path = awk === undefined ? "" : `PATH=${bin}/${awk}:$PATH`;
    return execFileSync("sh", ["-c", `${lib}\n${path}\njson_string`], {
      input: `---\n${text}`,
      encoding: "utf8",
    });
  }

  /** What a reader is promised: the text without control characters but tab and newline, and without its last newline. */
  const promised = (text: string) =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is dropped.
    text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "").replace(/\n$/, "");

  test.for(["the default awk", ...found.map(([program]) => program)])(
    "gives %s any text as a JSON string",
    (awk) => {
      const text = fc.array(fc.oneof(line, fc.constantFrom("\n", "\r\n", "\0", "\\")), { maxLength: 6 });
      fc.assert(
        fc.property(
          text.map((parts) => parts.join("")),
          (given) => {
            expect(JSON.parse(json(given, awk === "the default awk" ? undefined : awk))).toBe(
              promised(given),
            );
          },
        ),
        { numRuns: 25, examples: [["dev-disk-by\\x2dlabel.mount"], ['a\\"b'], ["\\\\"], ["\n\n"], [""]] },
      );
    },
  );

  test.for(shells)(
    "is what json_text gives %s for a text, whether or not it needs a program for it",
    (shell) => {
      const plain = fc.stringMatching(/^[A-Za-z0-9 /._:=+@,;(){}"\\-]{0,20}$/);
      fc.assert(
        fc.property(fc.oneof(plain, line), (given) => {
          const told = execFileSync(shell, ["-c", `${lib}\njson_text "$1"`, shell, given], {
            input: "---\n",
            encoding: "utf8",
          });
          expect(JSON.parse(told)).toBe(promised(given));
        }),
        { numRuns: 60, examples: [['{"a":"b\\c"}'], ["\\"], ['"'], [""], ["-n"], ["a*b"]] },
      );
    },
  );

  test.for(found.map(([program]) => program))("gives %s a line of any length", (awk) => {
    const long = "x\\".repeat(20_000);
    expect(JSON.parse(json(long, awk))).toBe(long);
  });

  test("gives bytes that are no text as text", () => {
    const seen = execFileSync("sh", ["-c", `${lib}\njson_string`], {
      input: Buffer.concat([Buffer.from("---\na"), Buffer.from([0xff, 0xfe]), Buffer.from("b")]),
      encoding: "utf8",
    });
    expect(JSON.parse(seen)).toMatch(/^a.+b$/);
  });
});

describe("the scripts", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".sh"));

  test("are those that are asked for, what stands before them, and what they leave on the host", () => {
    // Those that speak with Docker are asked for elsewhere.
    expect(files.filter((name) => !name.startsWith("docker-")).toSorted()).toEqual(
      [
        ...scriptNames,
        "logs",
        "lib",
        "arm",
        "lock",
        "look",
        "boots",
        "profile",
        "decide",
        "boot-trial",
        "boot-entry",
        "install-lock",
        "held",
        "guard",
        "host-key",
      ]
        .map((name) => `${name}.sh`)
        .toSorted(),
    );
  });

  test.for(
    [...files.map((name) => join(folder, name)), shim].map((path) => [path.split("/").at(-1), path] as const),
  )("%s is clean under shellcheck", ([, path], { skip }) => {
    skip(!has("shellcheck", "--version"), "shellcheck is not installed");
    const { stdout, status } = spawnSync("shellcheck", [path], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  test.each(shells)("are all well formed for %s behind the library", (shell) => {
    for (const name of scriptNames) {
      const script = `${lib}\n${readFileSync(join(folder, `${name}.sh`), "utf8")}`;
      expect(spawnSync(shell, ["-n", "-c", script], { encoding: "utf8" }).stderr).toBe("");
    }
  });
});

describe("asking a host", () => {
  type Asked = { script: string; input: string; stream?: Uint8Array | undefined };
  /** A host played by this machine, or by an answer that it gives. */
  function host(answer?: { exitCode: number; stdout: string; stderr: string }) {
    const asked: Asked[] = [];
    const session = {
      label: "web1 (203.0.113.7)",
      sh: async (script: string, { input = "", stream, deadline }: RemoteOptions) => {
        asked.push({ script, input, stream });
        return answer ?? (await run("sh", ["-c", script], { input, deadline }));
      },
    } as unknown as SshSession;
    return { session, asked };
  }
  const ask = (session: SshSession, name: ScriptName, document: Document = {}) =>
    remote(session, name, document, { deadline: 8_000 });

  test.runIf(process.platform === "linux")("what it is and runs gives an answer anywhere", async () => {
    const { session } = host();
    const seen = await remote(session, "observe", {}, { deadline: 8_000 });
    expect(seen.bootId).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    expect(seen.machine).toBe(execFileSync("uname", ["-m"], { encoding: "utf8" }).trim());
    expect(seen.trial).toEqual({ state: "none", exitCode: null, log: "" });
  });

  test.runIf(process.platform === "linux")(
    "to do something without the lock is refused, in JSON",
    async () => {
      const { session } = host();
      expect(await ask(session, "hold", { id: "no-such-id", seconds: 1 })).toEqual({
        ok: false,
        because: "the lock was lost to another deployment",
      });
    },
  );

  test("sends the library before the script, data on stdin alone, and the guard to a trial alone", async () => {
    const { session, asked } = host({ exitCode: 0, stdout: '{"ok":true}\n', stderr: "" });
    await ask(session, "trial", { id: "abc", seconds: 3 }).catch(() => undefined);
    await ask(session, "unhold", { id: "abc" }).catch(() => undefined);
    const guard = readFileSync(join(folder, "guard.sh"), "utf8");
    expect(asked.map(({ input }) => input)).toEqual([
      `id=abc\nseconds=3\nbytes=${Buffer.byteLength(guard)}\n---\n${guard}`,
      "id=abc\n---\n",
    ]);
    for (const { script } of asked) {
      expect(script.startsWith(lib)).toBe(true);
      expect(script).not.toContain("abc");
    }
  });

  test("leaves bytes that follow all that to the session, unchanged", async () => {
    const { session, asked } = host({ exitCode: 0, stdout: '{"ok":true,"begun":false}\n', stderr: "" });
    const stream = Uint8Array.from([0, 10, 255, 45, 45, 45, 10, 128]);
    const answer = await remote(session, "trial", { id: "abc" }, { deadline: 8_000, stream });
    expect(answer).toEqual({ ok: true, begun: false });
    expect(asked[0]?.stream).toBe(stream);
    expect(asked[0]?.input).toMatch(/# The guard is whole\.\n$/);
  });

  test.each<[string, { exitCode: number; stdout: string; stderr: string }, string]>([
    [
      "a broken connection",
      { exitCode: 255, stdout: "", stderr: "" },
      "adopt on the host: the connection broke.",
    ],
    [
      "what ssh or the script said",
      { exitCode: 64, stdout: "", stderr: "bad id: x\n" },
      "adopt on the host: bad id: x.",
    ],
    [
      "an exit code without a word",
      { exitCode: 3, stdout: "partly\n", stderr: "" },
      "adopt on the host: exit code 3: partly.",
    ],
    [
      "an answer that is no JSON",
      { exitCode: 0, stdout: "Welcome!\n", stderr: "" },
      "adopt on the host: exit code 0: Welcome!",
    ],
    [
      "JSON of another shape",
      { exitCode: 0, stdout: '{"fine":1}\n', stderr: "" },
      'adopt on the host: exit code 0: {"fine":1}.',
    ],
    [
      "a success that failed afterwards",
      { exitCode: 1, stdout: '{"ok":true}\n', stderr: "" },
      'adopt on the host: exit code 1: {"ok":true}.',
    ],
  ])("fails with %s", async (_, answer, message) => {
    const { session } = host(answer);
    await expect(ask(session, "adopt", { id: "a" })).rejects.toThrow(`web1 (203.0.113.7): ${message}`);
  });

  test("takes the last line, whatever a login shell printed before", async () => {
    const { session } = host({ exitCode: 0, stdout: 'Welcome!\n{"ok":true}\n', stderr: "" });
    expect(await ask(session, "settle", { id: "a" })).toEqual({ ok: true });
  });
});
