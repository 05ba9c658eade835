import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { build } from "../../../../deployer/nix/build.ts";
import { buildOnBuilder } from "../../../../deployer/nix/builder.ts";
import { closureBeside, closureOf, copyMissing, reachable } from "../../../../deployer/nix/closure.ts";
import { SshSession } from "../../../../deployer/ssh/session.ts";
import { webManifest } from "../../config/samples.ts";
import { playedSession } from "../release/observed.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-nix-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A Nix on PATH that does what a script says, and notes its arguments and ssh options. */
function nix(script: string): void {
  writeFileSync(
    join(folder, "nix"),
    `#!/bin/sh\nprintf '%s\\n' "$@" "ssh: $NIX_SSHOPTS" >${folder}/asked\n${script}\n`,
  );
  chmodSync(join(folder, "nix"), 0o755);
  vi.stubEnv("NIX_SSHOPTS", "");
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
}
const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
const { toplevel } = webManifest;

describe("a build", () => {
  test("asks for the derivation's output out, leaves no link, and tells its log as it comes", async () => {
    nix(`echo 'building' >&2; echo ${toplevel.out}`);
    const lines: string[] = [];
    await build("web1", toplevel, { deadline: 5_000, onLine: (line) => lines.push(line) });
    expect(asked()).toEqual([
      "build",
      "--no-link",
      "--print-out-paths",
      "--keep-going",
      "--log-format",
      "internal-json",
      `${toplevel.drvPath}^out`,
      "ssh:",
    ]);
    expect(lines).toEqual(["building"]);
  });

  test("that fails shows the end of its log, and where the rest is", async () => {
    nix("for line in $(seq 1 50); do echo line $line >&2; done; exit 1");
    const error = await build("web1", toplevel, { deadline: 5_000 }).catch((thrown: Error) => thrown);
    expect(error?.message).toMatch(
      /^build web1 \(.*\): the build failed\nline 21\n.*line 50\n Nothing was changed/s,
    );
    expect(error?.message).toContain(`nix log ${toplevel.drvPath}`);
  });

  test.each(["KILL", "TERM"])("that was killed by SIG%s is told so, and of no log", async (signal) => {
    nix(`echo 'copying the sources' >&2; kill -${signal} $$`);
    const error = await build("web1", toplevel, { deadline: 5_000 }).catch((thrown: Error) => thrown);
    expect(error?.message).toMatch(
      /: nix was killed before it ended\ncopying the sources\n Nothing was changed on any host\. Next: .*memory/s,
    );
    expect(error?.message).not.toContain("nix log");
  });

  test("that gives another path than was promised is refused", async () => {
    nix("echo /nix/store/other");
    await expect(build("web1", toplevel, { deadline: 5_000 })).rejects.toThrow(
      `got /nix/store/other, not ${toplevel.out}. Next: the flake changed`,
    );
  });
});

describe("a build on a builder", () => {
  const on = async (said: string): Promise<string> => {
    nix(`echo "${said}" >&2; exit 1`);
    const session = playedSession({
      label: "arm (203.0.113.9)",
      alias: "berth-dev-builder-arm",
      sshOptions: "-F config",
      ready: async () => undefined,
    });
    return await buildOnBuilder(session, build, ["web1", toplevel, { deadline: 5_000 }]).then(
      () => "it was built",
      (error: Error) => error.message,
    );
  };
  test.each([
    "bash: line 1: nix-daemon: command not found",
    "sh: 1: nix-daemon: not found",
    "bash: line 1: nix-store: command not found",
    "zsh:1: command not found: nix-daemon",
  ])("that has no Nix says where to install it: %s", async (said) => {
    expect(await on(said)).toMatch(
      /^send what web1 is .* to arm \(203\.0\.113\.9\): .* Next: install Nix on arm \(203\.0\.113\.9\)/s,
    );
  });
  test("that does not trust its user says so", async () => {
    expect(await on("error: cannot add path: it lacks a signature")).toContain("trusted-users");
  });
});

describe("a closure", () => {
  test.each([
    [
      "by path, as Nix 2.19 and later print it",
      { "/nix/store/a": { narSize: 3 }, "/nix/store/b": { narSize: 5 } },
    ],
    [
      "as a list, as older ones do",
      [
        { path: "/nix/store/a", narSize: 3, valid: true },
        { path: "/nix/store/b", narSize: 5, valid: true },
      ],
    ],
  ])("is read %s", async (_, printed) => {
    nix(`echo '${JSON.stringify(printed)}'`);
    expect(await closureOf(toplevel.out)).toEqual([
      { path: "/nix/store/a", bytes: 3 },
      { path: "/nix/store/b", bytes: 5 },
    ]);
    expect(asked()).toEqual(["path-info", "--json", "--recursive", toplevel.out, "ssh:"]);
  });

  test("is all that can be reached from a path, however often and in whatever circle", () => {
    const graph = fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(graph, (edges) => {
        const known = new Map(edges.map((to, from) => [`${from}`, { references: to.map(String) }]));
        const found = reachable(known, "0") ?? new Set();
        const leads = [...found].flatMap((path) => known.get(path)?.references ?? []);
        expect(found).toEqual(new Set(["0", ...leads]));
      }),
    );
  });

  test("is not told from references that are not all known", () => {
    expect(reachable(new Map([["a", { references: ["b"] }]]), "a")).toBeUndefined();
    expect(reachable(new Map([["a", {}]]), "a")).toBeUndefined();
  });

  describe("beside another one", () => {
    // One that is in the local store, as far as anyone looks.
    const other = new URL(import.meta.url).pathname;
    const printed = {
      [toplevel.out]: { narSize: 3, references: ["/nix/store/common", "/nix/store/own"] },
      "/nix/store/own": { narSize: 5, references: ["/nix/store/common"], ultimate: true },
      "/nix/store/common": { narSize: 7, references: ["/nix/store/common"] },
      [other]: { narSize: 9, references: ["/nix/store/common", "/nix/store/gone"] },
      "/nix/store/gone": { narSize: 11, references: [] },
    };

    test("is told with what both have, and with what was built here; what only the other has is left out", async () => {
      nix(`echo '${JSON.stringify(printed)}'`);
      expect(await closureBeside(toplevel.out, other)).toEqual({
        paths: [
          { path: toplevel.out, bytes: 3, shared: false, local: false },
          { path: "/nix/store/common", bytes: 7, shared: true, local: false },
          { path: "/nix/store/own", bytes: 5, shared: false, local: true },
        ],
        beside: other,
        before: [
          { path: other, bytes: 9 },
          { path: "/nix/store/common", bytes: 7 },
          { path: "/nix/store/gone", bytes: 11 },
        ],
      });
    });

    test("shares nothing where the other one lies there and is not valid", async () => {
      nix(
        `case "$*" in *${other}*) echo 'error: path is not valid' >&2; exit 1 ;; esac; echo '{"${toplevel.out}":{"narSize":3,"references":[]}}'`,
      );
      expect(await closureBeside(toplevel.out, other)).toEqual({ paths: [{ path: toplevel.out, bytes: 3 }] });
    });

    test.each([
      ["nothing is known of the host", undefined],
      ["the host runs it already", toplevel.out],
      ["the other one is not in the local store", "/nix/store/not-here"],
    ])("shares nothing where %s", async (_, runs) => {
      nix(`echo '{"${toplevel.out}":{"narSize":3,"references":[]}}'`);
      expect(await closureBeside(toplevel.out, runs)).toEqual({ paths: [{ path: toplevel.out, bytes: 3 }] });
      expect(asked()).toEqual(["path-info", "--json", "--recursive", toplevel.out, "ssh:"]);
    });
  });

  test("that is not there says so", async () => {
    nix("echo 'error: path is not valid' >&2; exit 1");
    await expect(closureOf(toplevel.out)).rejects.toThrow(
      `read the closure of ${toplevel.out}: error: path is not valid. Next: build it first`,
    );
  });

  describe("is copied", () => {
    let session: SshSession;
    beforeEach(async () => {
      const target = { stack: "dev", host: "web1", address: "203.0.113.7", port: 22, user: "root" };
      session = await SshSession.create({ ...target, hostKeys: ["ssh-ed25519 AAAA"] });
    });
    afterEach(() => session.close());
    const many = { count: 3, bytes: 9_000_000, few: ["/nix/store/a"] };

    test("not at all where the host has all of it", async () => {
      nix("exit 1");
      await copyMissing(toplevel.out, { count: 0, bytes: 0, few: [] }, session, { deadline: 5_000 });
    });

    test("over the session's own strict connection, by the host's alias", async () => {
      nix("exit 0");
      await copyMissing(toplevel.out, many, session, { deadline: 5_000 });
      expect(asked()).toEqual([
        "copy",
        "--no-check-sigs",
        "--substitute-on-destination",
        "--to",
        "ssh://berth-dev-web1",
        toplevel.out,
        `ssh: -F ${session.configFile}`,
      ]);
    });

    test("or the reason is given, with the host and how it stands", async () => {
      nix("echo 'error: writing to file: No space left on device' >&2; exit 1");
      await expect(copyMissing(toplevel.out, many, session, { deadline: 5_000 })).rejects.toThrow(
        `web1 (203.0.113.7): copy ${toplevel.out}: error: writing to file: No space left on device. The running release was not touched. Next: `,
      );
    });
  });
});
