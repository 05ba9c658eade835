import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const program = new URL("../../../../lab/stand-ins/nixos-anywhere", import.meta.url).pathname;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stand-in-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function place(name: string, says: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\necho "${says} $*"\n`);
  await chmod(join(folder, name), 0o755);
}

/** Runs it as `nixos-anywhere --help`. */
async function run(named = "", path = `${folder}:${process.env.PATH}`) {
  const env = { PATH: path, BERTH_NIXOS_ANYWHERE: named };
  const { exitCode, all } = await execa(program, ["--help"], {
    env,
    extendEnv: false,
    reject: false,
    all: true,
  });
  return { exitCode, all };
}

describe("the lab's nixos-anywhere", () => {
  test("says first that it is a stand-in", async () => {
    const { exitCode, all } = await run();
    expect(all.split("\n")[0]).toMatch(/stand-in of Berth's lab/);
    expect(exitCode).toBe(0);
  });

  test("gives way to the real one when that is on PATH, before or behind it", async () => {
    await place("nixos-anywhere", "the one on PATH:");
    const behind = `${join(program, "..")}:${folder}:${process.env.PATH}`;
    for (const path of [undefined, behind]) expect((await run("", path)).all).toBe("the one on PATH: --help");
  });

  test("gives way to the one that is named, whatever that file is called", async () => {
    await place("nixos-anywhere", "the one on PATH:");
    await place("nixos-anywhere.sh", "the named one:");
    expect((await run(join(folder, "nixos-anywhere.sh"))).all).toBe("the named one: --help");
  });

  test("a name that leads nowhere is said, and nothing is done", async () => {
    const { exitCode, all } = await run(join(folder, "nowhere"));
    expect(all).toMatch(
      /BERTH_NIXOS_ANYWHERE names .*nowhere, which is no program\. Next: correct or unset it\.$/,
    );
    expect(exitCode).toBe(1);
  });
});
