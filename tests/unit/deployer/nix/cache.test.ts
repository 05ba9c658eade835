import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CachePushes, push, storeUrl } from "../../../../deployer/nix/cache.ts";
import { localBuilds } from "../../../../deployer/nix/local-builds.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-cache-"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
function nix(script: string): void {
  writeFileSync(join(folder, "nix"), `#!/bin/sh\necho "$*" >>${folder}/asked\n${script}\n`);
  chmodSync(join(folder, "nix"), 0o755);
}
const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
const secretKey = `cache-1:${"hidden".padEnd(86, "0")}==`;
const to = { to: "https://ada:secret@cache.example/x?priority=10", secretKey: `${secretKey}\n` };
const options = { deadline: 10_000 };
const path = "/nix/store/one";

describe("a push", () => {
  test("signs with a key that is in a private file and in no argument", async () => {
    nix(
      `file=$(echo "$3" | sed 's/.*secret-key=//; s/&.*//'); { cat $file; stat -c %a $file $(dirname $file); } >${folder}/key`,
    );
    await push(path, to, options);
    expect(asked()[0]).toMatch(
      /^copy --to https:\/\/ada:secret@cache\.example\/x\?priority=10&secret-key=\S+&compression=zstd \/nix\/store\/one --option connect-timeout 5 /,
    );
    expect(asked()[0]).not.toContain("hidden");
    expect(readFileSync(join(folder, "key"), "utf8")).toBe(`${secretKey}600\n700\n`);
  });

  test("that fails names the cache without its password", async () => {
    nix("echo 'error: HTTP error 403' >&2; exit 1");
    const error = await push(path, to, options).catch((thrown: Error) => thrown);
    expect(error?.message).toMatch(
      /^push \/nix\/store\/one to the cache https:\/\/cache\.example\/x: error: HTTP error 403\. Next: /,
    );
    expect(error?.message).not.toMatch(/secret|hidden/);
  });

  test.each(["", "hidden", "cache-1:hidden", secretKey.replace("=", "")])(
    "with a key that is none starts no Nix, and says what to do without showing it",
    async (key) => {
      nix("");
      const error = await push(path, { ...to, secretKey: key }, options).catch((thrown: Error) => thrown);
      expect(error?.message).toMatch(
        /^sign \/nix\/store\/one for the cache https:\/\/cache\.example\/x: the key that signs is none of Nix's: .* Next: give the secret that berth:builds\.caches has as push/,
      );
      expect(error?.message).not.toContain("hidden");
      expect(() => asked()).toThrow();
    },
  );

  test("of one path is one, however many hosts want it, and one after the other", async () => {
    nix(`[ ! -e ${folder}/busy ] || exit 9; touch ${folder}/busy; sleep 0.1; rm ${folder}/busy`);
    const pushes = new CachePushes();
    await Promise.all(
      ["one", "two", "one", "one"].map((name) => pushes.push(`/nix/store/${name}`, to, options)),
    );
    await pushes.push("/nix/store/two", to, options);
    expect(asked()).toHaveLength(2);
  });

  test("that failed is tried again for the next host", async () => {
    nix(`[ -e ${folder}/up ]`);
    const pushes = new CachePushes();
    await expect(pushes.push(path, to, options)).rejects.toThrow("push /nix/store/one");
    writeFileSync(join(folder, "up"), "");
    await pushes.push(path, to, options);
    expect(asked()).toHaveLength(2);
  });
});

test.each([
  ["file:///srv/cache", "file:///srv/cache?secret-key=/k&compression=zstd"],
  ["s3://b?compression=xz&region=x", "s3://b?compression=xz&region=x&secret-key=/k"],
])("the store %s is told key and compression", (url, expected) => expect(storeUrl(url, "/k")).toBe(expected));

describe("what can be built here", () => {
  const settings = (builders: string) =>
    JSON.stringify({
      system: { value: "x86_64-linux" },
      "extra-platforms": { value: ["aarch64-linux"] },
      builders: { value: builders },
    });
  test.each([
    ["no builders", "", false],
    ["a file of them that is not there", "@/nowhere/machines", false],
    ["one", "ssh://big aarch64-linux", true],
  ])("is the system and what is emulated, with %s", async (_, value, builders) => {
    nix(`echo '${settings(value)}'`);
    expect(await localBuilds()).toEqual({ systems: ["x86_64-linux", "aarch64-linux"], builders });
  });
  test("is more where the file of builders names one", async () => {
    writeFileSync(join(folder, "machines"), "# none yet\n\nssh://big aarch64-linux\n");
    nix(`echo '${settings(`@${folder}/machines`)}'`);
    expect((await localBuilds())?.builders).toBe(true);
  });
  test("is not known where Nix does not tell", async () => {
    nix("exit 1");
    expect(await localBuilds()).toBeNull();
  });
});
