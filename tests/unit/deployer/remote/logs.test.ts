import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../../deployer/process.ts";
import { shells } from "../../shells.ts";

/** The host's programs are played by scripts: what they are asked for is written down. */
let folder: string;
let script: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-logs-"));
  const text = readFileSync(new URL("../../../../deployer/remote/logs.sh", import.meta.url), "utf8");
  script = text.replace(/^PATH=/m, `PATH=${folder}:`);
  program("systemctl", 'case "$*" in "cat -- site.service" | "cat -- nginx.service") ;; *) exit 1 ;; esac');
  program("journalctl", `printf '%s\\n' "$@" >>${folder}/asked; echo said`);
  program("docker", "exit 1");
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, name), 0o755);
}

const ask = (...words: string[]) => run("sh", ["-c", script, "logs", ...words], { deadline: 60_000 });
const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");

describe("the log that a host prints", () => {
  test("of an app is that of all its units, instances that have said nothing yet included", async () => {
    expect(await ask("site", "", "100", "", "")).toMatchObject({ exitCode: 0, stdout: "said\n" });
    expect(asked()).toEqual([
      "--no-pager",
      "--quiet",
      "--output=short-iso",
      "--unit=site.service",
      "--unit=site@a.service",
      "--unit=site@b.service",
      "--unit=site@*.service",
      "--unit=site-port-*.service",
      "--lines=100",
    ]);
  });

  test("of a unit is that unit's, from a moment on", async () => {
    await ask("", "nginx", "", "1700000000", "");
    expect(asked().slice(3)).toEqual(["--unit=nginx.service", "--since=@1700000000"]);
  });

  test("without either is the whole journal", async () => {
    await ask("", "", "7", "", "");
    expect(asked().slice(3)).toEqual(["--lines=7"]);
  });

  test("of an app that runs in containers is that of each, behind its name", async () => {
    program(
      "docker",
      `case "$*" in
        version) ;;
        *label=berth.service=shop*) printf 'shop-1\\nshop-2\\n' ;;
        ps*) ;;
        logs*) for last; do :; done; echo "from $last, $*" >&2 ;;
      esac`,
    );
    const { exitCode, stdout } = await ask("shop", "", "5", "1700000000", "");
    expect(exitCode).toBe(0);
    expect(stdout.trim().split("\n").toSorted()).toEqual([
      "shop-1: from shop-1, logs --timestamps --tail=5 --since=1700000000 shop-1",
      "shop-2: from shop-2, logs --timestamps --tail=5 --since=1700000000 shop-2",
    ]);
  });

  test("of what there is not is refused, with what there is", async () => {
    program("docker", `case "$*" in *Label*berth.service*) echo shop ;; *Label*) echo wiki ;; esac`);
    const { exitCode, stderr } = await ask("nope", "", "100", "", "");
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^there is no app nope; there are: .*shop wiki/);
    program("journalctl", "");
    expect(await ask("", "nope", "100", "", "")).toMatchObject({
      exitCode: 3,
      stderr: "there is no unit nope.service, and the journal has none\n",
    });
  });
});

describe("a log that is followed", () => {
  /** Starts it like sshd, in a group of its own, and waits until it has said something. */
  async function follow(shell: string, ...words: string[]) {
    const child = spawn(shell, ["-c", script, "logs", ...words, "follow"], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const ended = new Promise((resolve) => child.once("close", (exitCode) => resolve({ exitCode, stderr })));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return { child, ended };
  }
  const alive = (pid: number) => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };

  test.for(shells)(
    "ends when nobody reads any more, and leaves nothing running, under %s",
    async (shell, context) => {
      if (!existsSync("/proc/self/status")) context.skip("there is no /proc here");
      program("journalctl", `echo $$ >${folder}/pid; echo said; exec sleep 600`);
      const { child, ended } = await follow(shell, "site", "", "100", "");
      const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
      expect(alive(pid)).toBe(true);
      child.stdin.end();
      expect(await ended).toEqual({ exitCode: 0, stderr: "" });
      for (let tries = 0; tries < 200 && alive(pid); tries++) await sleep(50);
      expect(alive(pid)).toBe(false);
    },
  );

  test.each(shells)("ends when what writes it ends, under %s", async (shell) => {
    const { ended } = await follow(shell, "site", "", "100", "");
    expect(await ended).toEqual({ exitCode: 0, stderr: "" });
  });
});
