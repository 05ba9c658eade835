import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { shells } from "../shells.ts";

/** The change-over under this machine's shells, in a folder of its own, with systemd and the instances played. */

const source = new URL("../../../nixos/services/change-over.sh", import.meta.url).pathname;

let folder: string;
const inside = (...path: string[]) => join(folder, ...path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-change-over-"));
  for (const one of ["bin", "units", "run/site", "etc", "credentials/site"])
    mkdirSync(inside(one), { recursive: true });
  const text = readFileSync(source, "utf8")
    .replaceAll("/run/webapp/", `${inside("run")}/`)
    .replaceAll("/etc/webapp/", `${inside("etc")}/`)
    .replaceAll("/var/lib/berth/credentials/", `${inside("credentials")}/`);
  writeFileSync(inside("change-over.sh"), text);
  // A unit that runs is a file with its invocation; it crashes where a file says so.
  program(
    "systemctl",
    `echo "$*" >>${inside("asked")}
    cd ${inside("units")}
    verb=$1; shift
    for one; do case $one in --property=*) property=\${one#*=} ;; -*) ;; *) units="\${units-} $one" ;; esac; done
    for unit in \${units-}; do
      case $verb in
        start) [ ! -e "$unit.broken" ] || exit 1
          [ -e "$unit" ] || { echo x >>"$unit.starts"; echo "run-$unit-$(wc -l <"$unit.starts")" >"$unit"; }
          case $unit in *.service) [ ! -e ../during ] || sh ../during ;; esac ;;
        stop) rm -f "$unit" ;;
        is-active) [ -e "$unit" ] && [ ! -e "$unit.crashes" ] || exit 3 ;;
        show) case $property in InvocationID) cat "$unit" 2>/dev/null ;; NRestarts) if [ -e "$unit.crashes" ]; then echo 1; else echo 0; fi ;; esac ;;
      esac
    done
    exit 0`,
  );
  program(
    "curl",
    `for one; do case $one in */*.sock) slot=\${one##*/}; slot=\${slot%.sock} ;; */answer) answer=$one ;; http:*) echo "$one" >>${inside("urls")} ;; esac; done
    [ -e "${inside("units")}/site@$slot.service" ] || { echo 'curl: (7) nobody there' >&2; exit 7; }
    if [ -e "${inside("answers")}-$slot" ]; then file=${inside("answers")}-$slot; else file=${inside("answers")}; fi
    tail -n +2 "$file" >"$answer"; head -n 1 "$file" | tr -d '\\n'`,
  );
  program("journalctl", "echo 'it hurts'");
  settings({});
  answers(200, "all ok");
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(inside("bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(inside("bin", name), 0o755);
}
function settings(wanted: Record<string, string>): void {
  const all = { release: "one", host: "site.example", path: "/healthz", body: "ok", seconds: "1", ...wanted };
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(inside("etc/site"), lines.join(""));
}
const answers = (status: number, body: string, slot = "") =>
  writeFileSync(inside(`answers${slot && `-${slot}`}`), `${status}\n${body}\n`);
const asked = () => (existsSync(inside("asked")) ? readFileSync(inside("asked"), "utf8") : "");
/** What runs of the app, and which instance has the traffic. */
const stands = () => ({
  runs: ["a", "b"].filter((slot) => existsSync(inside(`units/site@${slot}.service`))),
  sockets: ["a", "b"].filter((slot) => existsSync(inside(`units/site@${slot}.socket`))),
  current: link(),
});
const link = () => {
  try {
    return readlinkSync(inside("run/site/current.sock"));
  } catch {
    return undefined;
  }
};
const only = (slot: "a" | "b") => ({ runs: [slot], sockets: [slot], current: `${slot}.sock` });
const starts = (slot: string) => readFileSync(inside(`units/site@${slot}.service.starts`), "utf8").length / 2;

describe.each(shells)("under %s", (shell) => {
  const changeOver = (verb: string) => {
    const ended = spawnSync(shell, [inside("change-over.sh"), verb, "site"], {
      encoding: "utf8",
      env: { PATH: `${inside("bin")}:${process.env.PATH}` },
      timeout: 30_000,
    });
    return { code: ended.status, said: ended.stderr };
  };
  /** The first instance runs. */
  const first = () => expect(changeOver("start").code).toBe(0);

  test("the first instance has the traffic before it runs, so that requests wait for it", () => {
    writeFileSync(inside("during"), `readlink ${inside("run/site/current.sock")} >${inside("pointed")}`);
    first();
    expect(readFileSync(inside("pointed"), "utf8")).toBe("a.sock\n");
    expect(stands()).toEqual(only("a"));
    expect(readFileSync(inside("urls"), "utf8")).toMatch(/^http:\/\/site\.example\/healthz$/m);
  });

  test("any other has it only once it is healthy; the one before is asked a last time and then ends", () => {
    first();
    settings({ release: "two" });
    writeFileSync(inside("during"), `readlink ${inside("run/site/current.sock")} >${inside("pointed")}`);
    expect(changeOver("reload").code).toBe(0);
    expect(readFileSync(inside("pointed"), "utf8")).toBe("a.sock\n");
    expect(stands()).toEqual(only("b"));
    settings({ release: "three" });
    expect(changeOver("reload").code).toBe(0);
    expect(stands()).toEqual(only("a"));
  });

  test("what runs as it is wanted is left alone, and what was left beside it goes", () => {
    first();
    writeFileSync(inside("units/site@b.service"), "left");
    expect(changeOver("reload").code).toBe(0);
    expect(stands()).toEqual(only("a"));
    expect(starts("a")).toBe(1);
  });

  test("an instance that systemd has started again is not taken for what it was", () => {
    first();
    writeFileSync(inside("units/site@a.service"), "another invocation");
    expect(changeOver("reload").code).toBe(0);
    expect(stands()).toEqual(only("b"));
  });

  test("another content of a credential is another instance, and of one that it does not use is not", () => {
    settings({ credential: "KEY" });
    writeFileSync(inside("credentials/site/KEY"), "one");
    first();
    writeFileSync(inside("credentials/site/OTHER"), "other");
    expect(changeOver("reload").code).toBe(0);
    expect(stands()).toEqual(only("a"));
    writeFileSync(inside("credentials/site/KEY"), "two");
    expect(changeOver("reload").code).toBe(0);
    expect(stands()).toEqual(only("b"));
  });

  test.each<[string, Record<string, string>, () => void, RegExp]>([
    [
      "answers 500",
      {},
      () => answers(500, "oh", "b"),
      /GET http:\/\/site\.example\/healthz answered 500, expected 200, for 1 s/,
    ],
    ["lacks the text", {}, () => answers(200, "no", "b"), /answered 200 without the text "ok", for 1 s/],
    [
      "crashes",
      {},
      () => {
        answers(500, "oh", "b");
        writeFileSync(inside("units/site@b.service.crashes"), "");
      },
      /it ended before it was healthy/,
    ],
    [
      "cannot be started",
      {},
      () => writeFileSync(inside("units/site@b.service.broken"), ""),
      /it could not be started/,
    ],
  ])(
    "one that %s is stopped and told of with its journal, and the one before goes on",
    (_, more, spoil, why) => {
      first();
      settings({ release: "two", ...more });
      spoil();
      const { code, said } = changeOver("reload");
      expect(code).toBe(1);
      expect(said).toMatch(why);
      expect(said).toContain("site@b: it hurts");
      expect(said).toContain("The one before goes on");
      expect(stands()).toEqual(only("a"));
      expect(starts("a")).toBe(1);
      settings({});
      expect(changeOver("reload").code, "and on the way back it stays").toBe(0);
      expect(starts("a")).toBe(1);
    },
  );

  test("without a path any answer will do", () => {
    settings({ path: "", body: "" });
    answers(404, "");
    first();
    expect(readFileSync(inside("urls"), "utf8")).toMatch(/^http:\/\/site\.example\/$/m);
  });

  test("the first one goes on trying when it is not healthy in time", () => {
    answers(503, "soon");
    const { code, said } = changeOver("start");
    expect([code, said]).toEqual([1, expect.stringMatching(/answered 503.*It goes on trying/)]);
    expect(stands()).toEqual(only("a"));
  });

  test("where the system wants another one meanwhile, that gets the traffic and not the one of before", () => {
    first();
    settings({ release: "two" });
    answers(500, "never", "b");
    // As a switch does it, while the new instance is still asked.
    writeFileSync(
      inside("during"),
      `sed -i 's/^release=.*/release=three/' ${inside("etc/site")}; printf '200\\nok\\n' >${inside("answers-b")}; rm ${inside("during")}`,
    );
    const { code, said } = changeOver("reload");
    expect([code, said]).toEqual([0, expect.stringMatching(/the system wants another instance by now/)]);
    expect(asked()).toContain("daemon-reload");
    expect(starts("b")).toBe(2);
    expect(stands()).toEqual(only("b"));
  });

  test("where the system has no such app any more, the one before keeps the traffic", () => {
    first();
    settings({ release: "two" });
    writeFileSync(inside("during"), `rm ${inside("etc/site")} ${inside("during")}`);
    expect(changeOver("reload").code).toBe(0);
    expect(stands()).toEqual(only("a"));
  });

  test("one whose socket is gone is nothing to stay beside", () => {
    first();
    rmSync(inside("units/site@a.socket"));
    rmSync(inside("units/site@a.service"));
    settings({ release: "two" });
    writeFileSync(inside("during"), `readlink ${inside("run/site/current.sock")} >${inside("pointed")}`);
    expect(changeOver("reload").code).toBe(0);
    expect(readFileSync(inside("pointed"), "utf8")).toBe("b.sock\n");
  });

  test("a link that leads nowhere known is none", () => {
    symlinkSync("c.sock", inside("run/site/current.sock"));
    first();
    expect(stands()).toEqual(only("a"));
  });

  test("stopped, nothing of it is left", () => {
    first();
    expect(changeOver("stop").code).toBe(0);
    expect(stands()).toEqual({ runs: [], sockets: [], current: undefined });
  });

  test("two at once come one after the other", () => {
    first();
    settings({ release: "two" });
    const both = `${shell} ${inside("change-over.sh")} reload site & ${shell} ${inside("change-over.sh")} reload site & wait`;
    spawnSync("sh", ["-c", both], { env: { PATH: `${inside("bin")}:${process.env.PATH}` }, timeout: 30_000 });
    expect(stands()).toEqual(only("b"));
    expect(starts("b")).toBe(1);
  });
});
