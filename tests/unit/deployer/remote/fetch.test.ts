import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { remote } from "../../../../deployer/remote/scripts.ts";
import { shells } from "../../shells.ts";
import { canPlay, PlayedHost } from "./played-host.ts";

const lacking = "/nix/store/cccc-lib";

/** A host that lacks one path, and whose Nix does this when it is to fetch it. */
function lackingHost(shell: string, fetching: string): PlayedHost {
  const host = new PlayedHost(shell);
  const nix = join(host.root, "store/aaaa-old/sw/bin/nix-store");
  host.put(
    "store/aaaa-old/sw/bin/nix-store",
    `#!/bin/sh\n[ "$1" = --realise ] || { shift 2; echo "$@"; exit; }\n${fetching}\n`,
  );
  chmodSync(nix, 0o755);
  host.put("run/lock/id", "one\n");
  host.put("run/one/missing", `${lacking}\n`);
  host.put("run/one/paths", `${lacking} 100\n`);
  return host;
}

const fetch = (host: PlayedHost, seconds = 20) =>
  remote(
    host.session(),
    "fetch",
    {
      id: "one",
      seconds,
      cache: ["https://cache.example.org?priority=10 a-1:key", "http://10.0.0.9:8080 b-1:key"],
    },
    { deadline: 30_000 },
  );
const trouble = async (shell: string, said: string): Promise<string> => {
  const answer = await fetch(lackingHost(shell, `cat >&2 <<'SAID'\n${said}\nSAID\nexit 1`));
  if (!answer.ok) throw new Error(answer.because);
  expect(answer).toMatchObject({ missing: 1, missingBytes: 100, few: [lacking] });
  return answer.trouble;
};

describe.runIf(canPlay).each(shells)("what a host lacks, fetched by %s", (shell) => {
  test("is nobody's fault where no cache has it", async () => {
    expect(
      await trouble(
        shell,
        `don't know how to build these paths:\n  ${lacking}\nerror: build of '${lacking}' failed`,
      ),
    ).toBe("");
  });

  test("is not the stack's caches' fault where another cache of the host's does not answer", async () => {
    expect(
      await trouble(
        shell,
        "warning: unable to download 'https://cache.nixos.org/nix-cache-info': Could not resolve hostname",
      ),
    ).toBe("");
  });

  test.each([
    "warning: unable to download 'https://cache.example.org/nix-cache-info': HTTP error 500",
    "warning: unable to download 'http://10.0.0.9:8080/x.narinfo': Could not connect to server",
    `error: hash mismatch importing path '${lacking}';`,
    "error: std::bad_alloc",
    `error: path '${lacking}' lacks a signature by a trusted key`,
  ])("is told as a cache's trouble: %s", async (line) => {
    expect(await trouble(shell, `don't know how to build these paths:\n${line}`)).toBe(line);
  });

  test("tells no password of a cache", async () => {
    const line = "warning: unable to download 'https://me:secret@cache.example.org/nar': HTTP error 401";
    expect(await trouble(shell, line)).toBe(line.replace("me:secret@", ""));
  });

  test("is given up when it takes too long, and says so", async () => {
    const answer = await fetch(lackingHost(shell, "sleep 20"), 1);
    expect(answer).toMatchObject({ ok: true, missing: 1, trouble: "it was not done within 1 s" });
  });

  test("holds nobody up once the lock is another's: the fetch is ended", async () => {
    const host = lackingHost(shell, 'echo $$ >"$ROOT/pid"; exec sleep 20');
    const fetching = fetch(host);
    while (!host.has("pid")) await sleep(20);
    host.put("run/lock/id", "two\n");
    expect(await fetching).toEqual({ ok: false, because: "the lock was lost to another deployment" });
    const pid = readFileSync(join(host.root, "pid"), "utf8").trim();
    for (let tries = 0; existsSync(`/proc/${pid}`) && tries < 100; tries++) await sleep(20);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});
