import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  evaluateManifest,
  evaluateSystems,
  nixString,
  selection,
} from "../../../../deployer/nix/evaluate.ts";
import { keyOf } from "../../../../deployer/nix/evaluations.ts";
import { webManifest } from "../../config/samples.ts";

let folder: string;
let remembered: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-evaluate-"));
  remembered = join(folder, "kept");
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  vi.stubEnv("BERTH_EVAL_CHUNK", "");
  vi.stubEnv("BERTH_EVAL_JOBS", "1");
  inStore("");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}
/** A Nix whose flake has a content, and that evaluates to what was asked for. */
function nix({ narHash = "sha256-one", version = "2.26.3" }, evaluation = `cat ${folder}/evaluated`): void {
  writeFileSync(join(folder, "metadata"), JSON.stringify({ locked: { narHash }, locks: {} }));
  writeFileSync(
    join(folder, "evaluated"),
    JSON.stringify({ names: ["pi", "web"], hosts: { web: webManifest } }),
  );
  program(
    "nix",
    `case $1 in
      --version) echo 'nix (Nix) ${version}' ;;
      flake) cat ${folder}/metadata ;;
      eval) echo "$*" >>${folder}/asked; pwd >${folder}/cwd; ${evaluation} ;;
    esac`,
  );
}
/** Paths that the store does not have. */
const inStore = (invalid: string) => program("nix-store", `echo "$@" >>${folder}/checked; echo '${invalid}'`);
const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
const evaluate = (...systems: string[]) =>
  evaluateSystems("path:./site", systems, { cwd: folder, remembered });

const evaluateFile = join(import.meta.dirname, "../../../../deployer/nix/evaluate.ts");
/** Whether the process whose id is written there is under way. */
function alive(file: string): boolean {
  try {
    return process.kill(Number(readFileSync(file, "utf8")), 0);
  } catch {
    return false;
  }
}

describe("an evaluation", () => {
  /** A Nix whose flake is saved anew while it is evaluated, as many times. */
  const savedMeanwhile = (times: number): void => {
    writeFileSync(join(folder, "saved"), "");
    nix(
      {},
      `printf x >>${folder}/saved; [ $(wc -c <${folder}/saved) -gt ${times} ] || echo "{\\"locked\\":{\\"narHash\\":\\"$(cat ${folder}/saved)\\"}}" >${folder}/metadata; cat ${folder}/evaluated`,
    );
  };

  test("of what is saved meanwhile is made again, and kept for what it was made of alone", async () => {
    inStore("");
    savedMeanwhile(1);
    const first = readFileSync(join(folder, "metadata"), "utf8");
    await evaluate("web");
    expect(asked().length).toBe(2);
    await evaluate("web");
    expect(asked().length).toBe(2);
    writeFileSync(join(folder, "metadata"), first);
    await evaluate("web");
    expect(asked().length).toBe(3);
  });

  test("of what is saved all the time is given up", async () => {
    inStore("");
    savedMeanwhile(99);
    await expect(evaluate("web")).rejects.toThrow(
      "evaluate path:./site: its content has changed during each of 3 evaluations. Next: see what writes to it",
    );
  });

  test("is one, from the project's folder, of the systems asked for, and changes no lock file", async () => {
    nix({});
    expect(await evaluate("web", "other", "web")).toEqual({
      names: ["pi", "web"],
      hosts: { web: webManifest },
    });
    const apply =
      'hosts: { names = builtins.attrNames hosts; hosts = builtins.intersectAttrs { "other" = null; "web" = null; } hosts; }';
    expect(asked()).toEqual([
      `eval --json --no-update-lock-file --no-warn-dirty path:./site#berth.hosts --apply ${apply}`,
    ]);
    expect(readFileSync(join(folder, "cwd"), "utf8").trim()).toBe(realpathSync(folder));
  });

  test("of everything names no system", async () => {
    nix({});
    expect(await evaluateManifest(".", { cwd: folder })).toEqual({ web: webManifest });
    expect(asked()[0]).toContain("inherit hosts;");
  });

  test("is divided where the memory asks for it, after the names of all systems", async () => {
    nix({});
    vi.stubEnv("BERTH_EVAL_CHUNK", "2");
    expect(await evaluate("a", "b", "c", "d", "e")).toEqual({
      names: ["pi", "web"],
      hosts: { web: webManifest },
    });
    expect(asked().map((line) => line.slice(line.indexOf("hosts:")))).toEqual(
      [[], ["a"], ["b", "c"], ["d", "e"]].map(selection),
    );
  });

  /** A run of systems leaves a mark as it begins, and goes on when there are two. */
  const meeting = (last: string) => `
    case $* in *null*) ;; *) cat ${folder}/evaluated; exit ;; esac
    touch ${folder}/begun-$$
    until [ "$(ls ${folder} | grep -c begun-)" = 2 ]; do sleep 0.05; done
    ${last}`;

  test("is divided into runs that are under way at a time", async () => {
    vi.stubEnv("BERTH_EVAL_JOBS", "2");
    vi.stubEnv("BERTH_EVAL_CHUNK", "1");
    nix({}, meeting(`cat ${folder}/evaluated`));
    expect((await evaluate("a", "b")).hosts).toEqual({ web: webManifest });
    expect(asked()).toHaveLength(3);
  });

  test("that fails in one of its runs tells that one's error, and ends the others", async () => {
    vi.stubEnv("BERTH_EVAL_JOBS", "2");
    vi.stubEnv("BERTH_EVAL_CHUNK", "1");
    nix(
      {},
      meeting(
        `case $* in *'"a" = null'*) echo "a is broken" >&2; exit 1 ;; esac; echo $$ >${folder}/long; exec sleep 50`,
      ),
    );
    const begun = Date.now();
    await expect(evaluate("a", "b")).rejects.toThrow(/the evaluation failed\na is broken\n Next: /);
    expect(Date.now() - begun).toBeLessThan(20_000);
    expect(alive(join(folder, "long"))).toBe(false);
    expect(existsSync(remembered)).toBe(false);
  });

  test("is ended whole by whoever asked for it, and when its process is", async () => {
    vi.stubEnv("BERTH_EVAL_JOBS", "2");
    vi.stubEnv("BERTH_EVAL_CHUNK", "1");
    nix({}, meeting(`echo $$ >${folder}/long-$$; exec sleep 50`));
    const long = () => readdirSync(folder).filter((name) => name.startsWith("long-"));
    const caller = new AbortController();
    const given = expect(
      evaluateSystems("path:./site", ["a", "b"], { cwd: folder, signal: caller.signal }),
    ).rejects.toThrow();
    await expect.poll(long).toHaveLength(2);
    caller.abort();
    await given;
    expect(long().filter((name) => alive(join(folder, name)))).toEqual([]);

    for (const name of readdirSync(folder)) if (/^(long|begun)-/.test(name)) rmSync(join(folder, name));
    const source = `import { evaluateSystems } from ${JSON.stringify(evaluateFile)};
      await evaluateSystems("path:./site", ["a", "b"], { cwd: ${JSON.stringify(folder)} });`;
    const child = execa(process.execPath, ["--input-type=module", "-e", source], { reject: false });
    await expect.poll(long, { timeout: 20_000 }).toHaveLength(2);
    child.kill("SIGTERM");
    await child;
    await expect.poll(() => long().filter((name) => alive(join(folder, name)))).toEqual([]);
  });

  test("that does not end is given up on", async () => {
    nix({}, "exec sleep 20");
    await expect(evaluateManifest(".", { cwd: folder, deadline: 200 })).rejects.toThrow(
      "run nix: no end within 0.2 s. Next: ",
    );
  });

  test("that was killed says how to need less memory", async () => {
    nix({}, "kill -KILL $$");
    await expect(evaluate("web")).rejects.toThrow("BERTH_EVAL_CHUNK=1");
  });

  test.each([
    ["something else", "echo hello from a wrapper", "printed no JSON:\nhello from a wrapper\n"],
    ["nothing", "true", "printed no JSON, nothing at all. "],
    ["much", "seq -s x 1 9999", `printed no JSON:\n${"1x2x3x4x5x6x7x8x9x10x11x12"}`],
  ])("that ended well and printed %s is told as what it is", async (_, script, cameBack) => {
    nix({}, script);
    const error = await evaluateManifest(".", { cwd: folder }).catch((thrown: Error) => thrown);
    if (!(error instanceof Error)) throw new Error("it was taken");
    expect(error.message).toContain(cameBack);
    expect(error.message).not.toContain("another shape");
    expect(error.message.length).toBeLessThan(450);
  });

  test("with a chunk that is no number says so", async () => {
    nix({});
    vi.stubEnv("BERTH_EVAL_CHUNK", "many");
    await expect(evaluate("web")).rejects.toThrow("BERTH_EVAL_CHUNK is many. Next: ");
    vi.stubEnv("BERTH_EVAL_CHUNK", "");
    vi.stubEnv("BERTH_EVAL_JOBS", "0");
    await expect(evaluate("web")).rejects.toThrow("BERTH_EVAL_JOBS is 0. Next: ");
  });
});

describe("what was evaluated is not evaluated again", () => {
  test("while the content is the same", async () => {
    nix({});
    const first = await evaluate("web");
    expect(await evaluate("web")).toEqual(first);
    expect(asked()).toHaveLength(1);
    expect(readFileSync(join(folder, "checked"), "utf8")).toContain(webManifest.toplevel.drvPath);
    expect(readdirSync(remembered)).toHaveLength(1);
  });

  test.each([
    ["the content is another", () => nix({ narHash: "sha256-two" })],
    ["Nix is another", () => nix({ version: "2.31.1" })],
    ["a derivation has left the store", () => inStore(webManifest.toplevel.drvPath)],
    ["what was kept is damaged", () => spoil('{"names":["web"],"hosts":{"web":{}}}')],
    ["what was kept is cut off", () => spoil('{"names":["w')],
    ["the content is not known", () => writeFileSync(join(folder, "metadata"), '{"locked":{}}')],
  ])("unless %s", async (_, change) => {
    nix({});
    await evaluate("web");
    change();
    await evaluate("web");
    expect(asked()).toHaveLength(2);
  });

  test("unless other systems are asked for", async () => {
    nix({});
    await evaluate("web");
    await evaluate("web", "pi");
    expect(asked()).toHaveLength(2);
  });

  test("and a folder that cannot be written stops nobody", async () => {
    nix({});
    writeFileSync(remembered, "a file");
    expect((await evaluate("web")).hosts).toEqual({ web: webManifest });
  });

  test("and the thirty used last are kept", async () => {
    for (let turn = 0; turn < 33; turn++) {
      nix({ narHash: `sha256-${turn}` });
      await evaluate("web");
    }
    expect(readdirSync(remembered)).toHaveLength(30);
    await evaluate("web");
    expect(asked()).toHaveLength(33);
  });
});

const spoil = (text: string) => {
  for (const name of readdirSync(remembered)) writeFileSync(join(remembered, name), text);
};

describe("the key of a content", () => {
  const question = {
    metadata: { locked: { narHash: "sha256-a", lastModified: 1 }, locks: { a: 1, b: [{ c: 1, d: 2 }] } },
    version: "nix 2",
    systems: ["a", "b"],
  };
  test("does not depend on any order", () => {
    const other = {
      systems: ["b", "a"],
      version: "nix 2",
      metadata: { locks: { b: [{ d: 2, c: 1 }], a: 1 }, locked: { lastModified: 1, narHash: "sha256-a" } },
    };
    expect(keyOf(other)).toBe(keyOf(question));
  });
  test("depends on all that is known of the flake", () => {
    const locked = { narHash: "sha256-a", lastModified: 2 };
    expect(keyOf({ ...question, metadata: { ...question.metadata, locked } })).not.toBe(keyOf(question));
  });
  test.each([[undefined], ["text"], [{}], [{ locked: { lastModified: 1 } }]])(
    "is none where the content is not fixed: %j",
    (metadata) => expect(keyOf({ ...question, metadata })).toBeUndefined(),
  );
});

test("any name is a text of Nix's", () => {
  const dollar = "$";
  expect(nixString(`a"${dollar}{b}\\$c`)).toBe(`"a\\"\\${dollar}{b}\\\\$c"`);
});
