import { execFile, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { shells } from "../../shells.ts";

const script = (name: string) =>
  readFileSync(new URL(`../../../../deployer/remote/${name}.sh`, import.meta.url), "utf8");

const id = "one";
/** A guard that is on watch until the trial has ended, in whatever way. */
const guard = `[ "$3" != ways ] || exit 0
trial=$1
: >"$trial/watching"
echo 1<>"$trial/ended"
while [ -e "$trial/pending" ] && [ ! -e "$trial/exit" ]; do sleep 0.05; done
# The guard is whole.
`;

/** A host's folders, and commands that play its systemd: units are processes of their own, and named by a file for as long as they are. */
function host({ late = 0, system = "the host's" }: { late?: number; system?: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), "berth-arm-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  for (const folder of ["bin", "units", "toplevel/bin", "run/lock", `run/${id}`])
    mkdirSync(join(root, folder), { recursive: true });
  const put = (file: string, text: string) => writeFileSync(join(root, file), text, { mode: 0o755 });
  put("run/lock/id", `${id}\n`);
  put(
    "bin/systemd-run",
    `#!/bin/sh
while case $1 in --unit=*) unit=\${1#--unit=} ;; --setenv=*) set="$set \${1#--setenv=}" ;; --*) ;; *) false ;; esac do shift; done
: >"${root}/units/$unit"
case $unit in *trial*) late=${late} ;; *) late=0 ;; esac
{ sleep "$late"; env -i LANG=C.UTF-8 $set "$@"; rm -f "${root}/units/$unit"; } >/dev/null 2>&1 </dev/null 7>&- 8>&- &
`,
  );
  put("bin/systemctl", `#!/bin/sh\nls "${root}/units"\n`);
  put("toplevel/bin/switch-to-configuration", `#!/bin/sh\necho "$1 in $LC_ALL" >>"${root}/switched"\n`);
  // As the library finds it out, unless it is to be another's.
  const arch = spawnSync("uname", ["-m"], { encoding: "utf8" }).stdout.trim();
  put("toplevel/system", system === "the host's" ? `${arch}-linux` : system);
  const lib = script("lib")
    .replace("PATH=/run/current-system/sw/bin:", `PATH=${root}/bin:`)
    .replace("berth_run=/run/berth\n", `berth_run=${root}/run\n`);
  const setting = `doc_toplevel=${root}/toplevel`;
  return {
    root,
    /** Run shell text behind the library and arm.sh, as a script for this id with the guard next on stdin. */
    run: async (shell: string, text: string) => {
      const running = promisify(execFile)(shell, ["-c", [lib, script("arm"), setting, text].join("\n")], {
        timeout: 60_000,
      });
      running.child.stdin?.end(`id=${id}\nbytes=${Buffer.byteLength(guard)}\n---\n${guard}`);
      return await running;
    },
    switched: () => existsSync(join(root, "switched")),
    units: () => readdirSync(join(root, "units")),
    left: () => readdirSync(join(root, "run", id)),
  };
}

describe.each(shells)("a trial that %s arms", (shell) => {
  test("is switched to though whoever gave the word is gone before its unit is up", async () => {
    const one = host({ late: 1 });
    await one.run(shell, "arm /nowhere 60\nbegin");
    expect(one.switched()).toBe(false);
    await expect.poll(one.switched, { timeout: 30_000 }).toBe(true);
    // The language of the way back, whatever the host's.
    await expect.poll(() => readFileSync(join(one.root, "switched"), "utf8")).toBe("test in C\n");
  });

  test("is not switched to when it is called off, also where its unit comes up later, and leaves nothing", async () => {
    for (const late of [0, 0.5]) {
      const one = host({ late });
      await one.run(shell, "arm /nowhere 60\ncall_off");
      expect(one.units()).toEqual([]);
      expect(one.switched()).toBe(false);
      expect(one.left()).toEqual([]);
    }
  });

  test("that is refused behind a preparation says why, and the preparation goes on", async () => {
    const one = host({ system: "another-linux" });
    const { stdout } = await one.run(
      shell,
      `arm /nowhere 60\nawait_arming\n(begin) >"$trial_dir/not-begun"\necho "went on"\ncat "$trial_dir/not-begun"`,
    );
    expect(stdout).toMatch(/^went on\n\{"ok":false,"because":"the release is for another-linux"\}\n$/);
    expect(one.switched()).toBe(false);
    expect(one.left()).toEqual(["not-begun"]);
  });

  test.each([
    ["has lost its lock", 'rm -rf "$berth_run/lock"'],
    ["is another's by now", 'echo two >"$berth_run/lock/id"'],
    ["was given up before it was here", ': >"$berth_run/over-$doc_id"'],
  ])("is not armed by a deployment that %s", async (_, before) => {
    const one = host();
    const { stdout } = await one.run(shell, `${before}\narm /nowhere 60\nbegin`);
    expect(JSON.parse(stdout)).toEqual({ ok: false, because: "it was called off" });
    expect(one.units()).toEqual([]);
    expect(one.left()).toEqual([]);
  });
});
