import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSame, keptSecret, keysOf } from "../../../../../cli/status/web/keys.ts";

let folder: string;
const file = () => join(folder, ".berth/status-key");
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("token, cookie and path differ, by stack as well, and are the same of the same secret", () => {
  const secret = new Uint8Array(32).fill(7);
  const [prod, dev] = [keysOf(secret, "prod"), keysOf(secret, "dev")];
  const all = [...Object.values(prod), ...Object.values(dev)];
  expect(new Set(all).size).toBe(6);
  for (const one of all) expect(one).toMatch(/^[\w-]{22,43}$/);
  expect(keysOf(secret, "prod")).toEqual(prod);
});

test.each([
  ["abc", true],
  ["abd", false],
  ["ab", false],
  ["", false],
  [undefined, false],
])("%s is the key: %s", (given, same) => expect(isSame(given, "abc")).toBe(same));

test("a secret is kept for this user alone", async () => {
  const secret = await keptSecret(file());
  expect(secret).toHaveLength(32);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(await keptSecret(file())).toEqual(secret);
});

test.each<[string, (kept: string) => void]>([
  ["others could read", (kept) => chmodSync(kept, 0o640)],
  ["is a day old", (kept) => utimesSync(kept, new Date(0), new Date(0))],
  ["is cut off", (kept) => writeFileSync(kept, "short")],
  [
    "is a link to another file",
    (kept) => {
      const other = join(folder, "other");
      writeFileSync(other, Buffer.alloc(32), { mode: 0o600 });
      rmSync(kept);
      symlinkSync(other, kept);
    },
  ],
])("a kept secret that %s is not used again", async (_, spoil) => {
  const secret = Buffer.from(await keptSecret(file()));
  spoil(file());
  const next = Buffer.from(await keptSecret(file()));
  expect(next.equals(secret) || next.equals(Buffer.alloc(32))).toBe(false);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test("a folder that cannot be written to is told", async () => {
  writeFileSync(join(folder, ".berth"), "");
  await expect(keptSecret(file())).rejects.toThrow(/status-key, the key of the page: .* Next: /);
});
