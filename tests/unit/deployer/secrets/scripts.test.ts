import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  deliverCredentials,
  pruneCredentials,
  readCredentials,
  renewServices,
} from "../../../../deployer/secrets/credentials.ts";
import type { RemoteOptions, SshSession } from "../../../../deployer/ssh/session.ts";
import { shells } from "../../shells.ts";

/** The scripts under this machine's shells, in a folder of their own, with systemd's programs played. */

let folder: string;
const credentials = (...path: string[]) => join(folder, "berth/credentials", ...path);
const running = (...path: string[]) => join(folder, "run/credentials", ...path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-credentials-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "states"));
  mkdirSync(join(folder, "parts"));
  // Encrypted is what has the name before it and its bytes turned; another name does not open it.
  program(
    "systemd-creds",
    `verb=$1; shift
    for one; do case $one in --name=*) name=\${one#--name=} ;; --*) ;; *) [ -n "\${from-}" ] && to=$one || from=$one ;; esac; done
    case $verb in
      encrypt) [ ! -e "${folder}/broken" ] || { echo 'no key' >&2; exit 1; }; { echo "$name"; tr 'a-y' 'b-z' | base64 -w0; } >"$to" ;;
      decrypt) [ "$(head -n 1 "$from")" = "$name" ] || exit 1; tail -n +2 "$from" | base64 -d | tr 'b-z' 'a-y' ;;
    esac`,
  );
  program(
    "systemctl",
    `printf '%s\\n' "$*" >>${folder}/asked
    case $1 in
      show) for unit; do :; done
        case $* in
          *ConsistsOf*) cat "${folder}/parts/$unit" 2>/dev/null || printf 'MainPID=17\\nConsistsOf=\\n' ;;
          *) cat "${folder}/states/$unit" 2>/dev/null || echo inactive ;;
        esac ;;
      is-active) [ "$(cat "${folder}/states/$3" 2>/dev/null)" = active ] ;;
      reload) [ ! -e "${folder}/stubborn" ] ;;
      try-restart | start) shift 2; for unit; do
        [ -e "${folder}/stubborn" ] && echo failed >${folder}/states/$unit || echo active >${folder}/states/$unit; done ;;
    esac`,
  );
  program("journalctl", "echo 'the unit says why'");
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}
const asked = () =>
  existsSync(join(folder, "asked"))
    ? readFileSync(join(folder, "asked"), "utf8")
        .trim()
        .split("\n")
        .filter((line) => !/^(show|is-active)/.test(line))
    : [];
const stateOf = (unit: string, state: string) => writeFileSync(join(folder, "states", unit), `${state}\n`);

/** A host played by a shell, whose folders and programs are the test's. */
function host(shell: string): SshSession {
  return {
    label: "web1 (203.0.113.7)",
    sh: async (script: string, { input = "" }: RemoteOptions) => {
      const [before, after] = script.split(/(?<=^refuse\(\).*\n)/m);
      const here = `PATH=${folder}/bin:$PATH\ncredentials=${credentials()}\n`;
      const text = `${before}${here}${after}`.replaceAll("/run/credentials", running());
      const ended = spawnSync(shell, ["-c", text], { input, encoding: "utf8" });
      return { exitCode: ended.status ?? 128, stdout: ended.stdout, stderr: ended.stderr };
    },
  } as unknown as SshSession;
}

describe.each(shells)("under %s", (shell) => {
  test("what is delivered reads back, is root's alone, and is left alone when it is delivered again", async () => {
    const wanted = { site: { A: "first", "b.key": "two\nlines\n" }, worker: { A: "$`\"'\\ é 🦭" } };
    expect(await deliverCredentials(host(shell), wanted)).toEqual(["site.A", "site.b.key", "worker.A"]);
    expect(statSync(credentials()).mode & 0o777).toBe(0o700);
    expect(statSync(credentials("site/A")).mode & 0o777).toBe(0o600);
    expect(await readCredentials(host(shell), wanted)).toEqual({ site: ["A", "b.key"], worker: ["A"] });
    const before = statSync(credentials("site/A")).mtimeMs;
    expect(
      await deliverCredentials(host(shell), { ...wanted, site: { A: "first", "b.key": "new" } }),
    ).toEqual(["site.b.key"]);
    expect(statSync(credentials("site/A")).mtimeMs).toBe(before);
  });

  test("any text arrives as it is", { timeout: 60_000 }, async () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 300 }).map((one) => one.toWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 5, maxLength: 5 }), async (texts) => {
        const wanted = { site: Object.fromEntries(texts.map((content, index) => [`C${index}`, content])) };
        await deliverCredentials(host(shell), wanted);
        expect(await readCredentials(host(shell), wanted)).toEqual({ site: Object.keys(wanted.site) });
      }),
      { numRuns: 4, examples: [[["\n", " ", "-n", "\\c%s", "\u0000"]]] },
    );
  });

  test("what was changed by hand, lies under another name or is gone is not in place", async () => {
    const wanted = { site: { A: "a", B: "b", C: "c", D: "d" } };
    await deliverCredentials(host(shell), wanted);
    await deliverCredentials(host(shell), { site: { A: "other" } });
    writeFileSync(credentials("site/B"), readFileSync(credentials("site/C")));
    rmSync(credentials("site/D"));
    expect(await readCredentials(host(shell), wanted)).toEqual({ site: ["C"] });
  });

  test("a host without any is read as one", async () => {
    expect(await readCredentials(host(shell), { site: { A: "a" } })).toEqual({ site: [] });
    expect(await pruneCredentials(host(shell), { site: ["A"] })).toEqual([]);
  });

  test("half a delivery is refused by name, and what is complete stays", async () => {
    const cut = { ...host(shell) } as SshSession;
    cut.sh = (script, options) =>
      host(shell).sh(script, { ...options, input: String(options.input).replace(/[^\n]+\n$/, "") });
    await expect(deliverCredentials(cut, { site: { A: "first", B: "second" } })).rejects.toThrow(
      /^web1 .*: deliver its credentials: the content of site\.B did not arrive\. Nothing was restarted/,
    );
    expect(readdirSync(credentials("site"))).toEqual(["A"]);
  });

  test("a host that cannot encrypt says so, keeps the old one, and no value is told", async () => {
    await deliverCredentials(host(shell), { site: { A: "old" } });
    writeFileSync(join(folder, "broken"), "");
    const failed = deliverCredentials(host(shell), { site: { A: "hunter2" } });
    await expect(failed).rejects.toThrow(/systemd-creds could not encrypt site\.A: no key/);
    await expect(failed).rejects.not.toThrow(/hunter2/);
    expect(await readCredentials(host(shell), { site: { A: "old" } })).toEqual({ site: ["A"] });
  });

  test("only what is named stays, and nothing at all when nothing is", async () => {
    await deliverCredentials(host(shell), { site: { A: "a", B: "b" }, gone: { A: "a" } });
    expect((await pruneCredentials(host(shell), { site: ["A"] })).toSorted()).toEqual(["gone.A", "site.B"]);
    expect(readdirSync(credentials(), { recursive: true })).toEqual(["site", "site/A"]);
    expect(await pruneCredentials(host(shell), {})).toEqual(["site.A"]);
    expect(existsSync(credentials())).toBe(false);
  });

  describe("of services, those restart", () => {
    const names = { site: ["A", "B"], worker: ["A"], idle: ["A"], broken: ["A"] };
    const wanted = { site: { A: "a", B: "b" }, worker: { A: "a" }, idle: { A: "a" }, broken: { A: "a" } };
    const runsWith = (unit: string, name: string, content: string) => {
      mkdirSync(running(unit), { recursive: true });
      writeFileSync(running(unit, name), content);
    };
    beforeEach(async () => {
      await deliverCredentials(host(shell), wanted);
      for (const [unit, name, content] of [
        ["site.service", "A", "a"],
        ["site.service", "B", "b"],
        ["worker.service", "A", "a"],
      ] as const) {
        runsWith(unit, name, content);
        stateOf(unit, "active");
      }
    });

    test("none, when all run with what is in place; one that was stopped stays stopped", async () => {
      expect(await renewServices(host(shell), names)).toEqual([]);
      expect(asked()).toEqual([]);
    });

    test("once, that run with another content of any of theirs", async () => {
      await deliverCredentials(host(shell), { site: { A: "new", B: "new" } });
      expect(await renewServices(host(shell), names)).toEqual(["site.service"]);
      expect(asked()).toEqual(["try-restart -- site.service"]);
    });

    test("that run without one of theirs, or try to start for lack of it", async () => {
      rmSync(running("worker.service/A"));
      stateOf("broken.service", "activating");
      expect(await renewServices(host(shell), names)).toEqual(["worker.service", "broken.service"]);
    });

    test("that have failed: they are started", async () => {
      stateOf("broken.service", "failed");
      expect(await renewServices(host(shell), names)).toEqual(["broken.service"]);
      expect(asked()).toEqual(["reset-failed -- broken.service", "start -- broken.service"]);
    });

    describe("but one that is no process, and whose parts hold its credentials,", () => {
      beforeEach(() => {
        for (const one of ["A", "B"]) rmSync(running("site.service", one));
        writeFileSync(
          join(folder, "parts/site.service"),
          "MainPID=0\nConsistsOf=site@a.socket site@b.service site@a.service\n",
        );
        stateOf("site@a.service", "active");
        runsWith("site@a.service", "A", "a");
        runsWith("site@a.service", "B", "b");
        // Still ending, with what it had.
        stateOf("site@b.service", "deactivating");
        runsWith("site@b.service", "A", "older");
      });

      test("is left alone when the part that runs has what is in place", async () => {
        expect(await renewServices(host(shell), names)).toEqual([]);
      });

      test("is reloaded when that has another content", async () => {
        await deliverCredentials(host(shell), { site: { A: "new", B: "new" } });
        expect(await renewServices(host(shell), names)).toEqual(["site.service"]);
        expect(asked()).toEqual(["reload -- site.service"]);
      });

      test("is an error with its journal when that fails", async () => {
        await deliverCredentials(host(shell), { site: { B: "new" } });
        writeFileSync(join(folder, "stubborn"), "");
        await expect(renewServices(host(shell), names)).rejects.toThrow(
          /site\.service goes on with the credentials it had, as it could not be reloaded:\nthe unit says why/,
        );
      });

      test("is restarted where no part holds any", async () => {
        rmSync(running("site@a.service"), { recursive: true });
        expect(await renewServices(host(shell), names)).toEqual(["site.service"]);
        expect(asked()).toEqual(["try-restart -- site.service"]);
      });
    });

    test("and one that does not come back is an error with its journal", async () => {
      await deliverCredentials(host(shell), { worker: { A: "new" } });
      writeFileSync(join(folder, "stubborn"), "");
      await expect(renewServices(host(shell), names)).rejects.toThrow(
        /restart what uses changed secrets: worker\.service does not run with its credentials \(failed\):\nthe unit says why/,
      );
    });
  });
});

describe("a document with a credential", () => {
  const lib = readFileSync(new URL("../../../../deployer/remote/lib.sh", import.meta.url), "utf8");

  test.each([
    "site",
    "site ",
    " A",
    "../etc A",
    "site ../../A",
    ".site A",
    "site .A",
    "site A B",
    "si/te A",
    "site $(A)",
    "site A;B",
    "",
  ])("like %j is refused before anything is done", (value) => {
    const input = `credential=${value}\n---\n`;
    const seen = spawnSync("sh", ["-c", `${lib}\necho done`], { input, encoding: "utf8" });
    expect([seen.status, seen.stdout]).toEqual([64, ""]);
  });
});
