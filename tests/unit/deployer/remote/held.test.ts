import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dockerScript } from "../../../../deployer/docker/script.ts";
import { installLockScript } from "../../../../deployer/install/lock.ts";
import { renderDocument } from "../../../../deployer/remote/scripts.ts";

const without = spawnSync("flock", ["--version"]).error !== undefined || process.platform !== "linux";

let folder: string;
const started: ChildProcessWithoutNullStreams[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-held-"));
});
afterEach(() => {
  for (const one of started.splice(0)) one.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Kind {
  /** The script's text, with its files in a folder of the test. */
  text: () => Promise<string>;
  document: Record<string, string>;
  held: string;
  refused: RegExp;
}

/** A script of a host, kept out of that host's own folders. */
const within = (text: string, name: string): string => {
  const moved = text.replace(new RegExp(`^${name}=.*$`, "m"), `${name}=${folder}`);
  if (moved === text) throw new Error(`the script sets no ${name}`);
  return moved;
};

const kinds: [string, Kind][] = [
  [
    "a host, for an installation",
    {
      text: async () => within(await installLockScript(), "berth_run"),
      document: {},
      held: '{"ok":true}',
      refused: /^\{"ok":false,"owner":"ada \\"on\\" laptop","silent":\d+\}$/,
    },
  ],
  [
    "a service",
    {
      text: async () => within(await dockerScript("lock"), "service_state"),
      document: { service: "site" },
      held: "held=",
      refused: /^held=\d+ ada "on" laptop$/,
    },
  ],
];

describe.each(kinds)("%s", (_, { text, document, held, refused }) => {
  /** A deployer that asks for it: what it is told first, and how it ends. */
  async function deployer(seconds: number) {
    const script = spawn("sh", ["-c", await text()]);
    started.push(script);
    const lines = createInterface({ input: script.stdout });
    const told = new Promise<string>((resolve) => lines.once("line", resolve));
    const ended = new Promise<string | number>((resolve) =>
      script.once("exit", (code, signal) => resolve(signal ?? code ?? "")),
    );
    script.stdin.write(renderDocument({ ...document, owner: 'ada "on" laptop', seconds }));
    return { script, told: await told, ended };
  }

  test("is one deployer's until that has gone, and who has it is told", async ({ skip }) => {
    skip(without, "there is no flock on PATH, or no Linux");
    const first = await deployer(600);
    expect(first.told).toBe(held);
    const second = await deployer(600);
    expect(second.told).toMatch(refused);
    expect(await second.ended).toBe(0);
    first.script.stdin.end();
    expect(await first.ended).toBe(0);
    expect((await deployer(600)).told).toBe(held);
  });

  test("is anybody's when its deployer says nothing any more", async ({ skip }) => {
    skip(without, "there is no flock on PATH, or no Linux");
    const silent = await deployer(4);
    expect(silent.told).toBe(held);
    expect(await silent.ended).toBe("SIGKILL");
    expect((await deployer(600)).told).toBe(held);
  });
});
