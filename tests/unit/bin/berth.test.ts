import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const command = new URL("../../../bin/berth", import.meta.url).pathname;

/** A package without a Node of its own, started by the link that npm makes. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-command-"));
  for (const name of ["bin", "cli", "linked", "path"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "bin/berth"), readFileSync(command));
  chmodSync(join(folder, "bin/berth"), 0o755);
  symlinkSync("../bin/berth", join(folder, "linked/berth"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const node = (version: string) => {
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\necho "$@"\n`;
  writeFileSync(join(folder, "path/node"), script);
  chmodSync(join(folder, "path/node"), 0o755);
};
const run = (env: Record<string, string> = {}) =>
  execa(join(folder, "linked/berth"), ["hosts"], {
    env: { PATH: [join(folder, "path"), "/usr/bin", "/bin"].join(delimiter), ...env },
    extendEnv: false,
    reject: false,
  });

describe("the command of the package", () => {
  test.each(["v24.0.0", "v25.1.0", "v30.0.0"])(
    "starts JavaScript with the Node on PATH, %s",
    async (version) => {
      node(version);
      expect((await run()).stdout).toBe(
        `--import ${folder}/bin/compile-cache.mjs ${folder}/bin/../cli/main.js hosts`,
      );
    },
  );

  test("starts TypeScript where there is some, with the Node that is named", async () => {
    node("v24.0.0");
    writeFileSync(join(folder, "cli/main.ts"), "");
    expect((await run({ BERTH_NODE: "/bin/echo" })).stdout).toMatch(/cli\/main\.ts hosts$/);
  });

  test.each(["v20.20.2", "v23.9.0", "v9.1.0"])("says what is needed where Node is %s", async (version) => {
    node(version);
    const { exitCode, stdout, stderr } = await run();
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toBe(
      `berth: start: Node 24 or newer is needed, and there is ${version}. Next: nodejs.org/download, or set BERTH_NODE to one`,
    );
  });
});
