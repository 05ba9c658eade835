import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { awaitRescueKey } from "../../../../deployer/rescue/look.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-scan-"));
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** An ssh-keyscan that finds one of these at each try, the last one ever after; "" is nobody. */
function answering(...keys: string[]): void {
  const script = `#!/bin/sh
    echo "$@" >>${folder}/asked
    n=$(wc -l <${folder}/asked); [ "$n" -le ${keys.length} ] || n=${keys.length}
    key=$(sed -n "\${n}p" ${folder}/keys)
    if [ -n "$key" ]; then echo "203.0.113.7 $key"; fi`;
  writeFileSync(join(folder, "keys"), keys.map((key) => `${key}\n`).join(""));
  writeFileSync(join(folder, "ssh-keyscan"), script, { mode: 0o755 });
}
const host = { host: "web1", address: "203.0.113.7", hostKeys: ["ssh-ed25519 AAAAlasting web1"] };

test("the first key that is none of the installed system's is the rescue system's", async () => {
  answering("", "ssh-ed25519 AAAAlasting", "ssh-ed25519 AAAArescue");
  const told: string[] = [];
  const key = await awaitRescueKey(host, {
    until: Date.now() + 60_000,
    status: (line) => told.push(line),
  });
  expect(key).toBe("ssh-ed25519 AAAArescue");
  expect(told).toEqual([
    "waiting for the rescue system: nothing answered there",
    "waiting for the rescue system: the installed system answers, not the rescue system",
  ]);
  expect(readFileSync(join(folder, "asked"), "utf8")).toContain("-t ed25519 -p 22 -- 203.0.113.7");
});

test("an installed system that comes up again is never taken for it", async () => {
  answering("ssh-ed25519 AAAAlasting");
  await expect(awaitRescueKey(host, { until: Date.now() + 500, status: () => undefined })).rejects.toThrow(
    /web1 \(203\.0\.113\.7\): reach the rescue system on port 22: the installed system answers, .* The server was reset\. Next: .*--leave/,
  );
});
