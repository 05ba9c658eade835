import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../deployer/failure.ts";
import { release } from "../../deployer/release/release.ts";
import { remote } from "../../deployer/remote/scripts.ts";
import type { SshSession } from "../../deployer/ssh/session.ts";
import { Journal } from "../../lab/journey/journal.ts";
import { Journey } from "../../lab/journey/journey.ts";
import { fetchPage, heading } from "../../lab/journey/page.ts";
import { reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { spoiledSystem } from "./spoiled.ts";
import { addSecondHost, installDocumentOf, sessionWith } from "./stack.ts";

/** A lab of this file's own beside the user's, with two hosts. */
const folder = join(checkout, ".lab-e2e");
const printed: string[] = [];
const journal = new Journal(join(folder, "journal.json"));
const journey = new Journey({
  folder,
  project: checkout,
  journal,
  print: (line) => void printed.push(line),
  prepare: ({ places }) => addSecondHost(places.stackFile),
});
/** The system that web1 runs when the main job's first half is over. */
let good: string;
let session: SshSession;

beforeAll(async () => {
  await reset({ folder });
  await journey.there().catch((error: Error) => {
    throw new Error(`${error.message}\n${printed.slice(-60).join("\n")}`);
  });
  // The deployer's own programs, as in an update.
  Object.assign(process.env, journey.lab.env);
  good = journey.outputs.hosts.web1?.release ?? "";
  session = await sessionWith(journey.outputs, "web1");
});

afterAll(async () => {
  await session?.close();
  await journey.stop();
  await reset({ folder });
});

const current = async () => (await remote(session, "observe", {}, { deadline: 30_000, fresh: true })).current;

describe("the main job with two hosts", () => {
  test("both hosts were ordered, installed and changed, and survived a broken release", () => {
    expect(Object.keys(journey.outputs.hosts)).toEqual(["web1", "web2"]);
    expect(journal.steps.filter(({ ok }) => !ok)).toEqual([]);
    expect(journal.steps).toHaveLength(8);
  });

  test("its record says the same in JSON", async () => {
    const record = JSON.parse(await readFile(join(folder, "journal.json"), "utf8"));
    expect(record.steps).toHaveLength(8);
    expect(record.second.probe.failed).toBe(0);
    expect(record.broken.exitCode).not.toBe(0);
    expect(JSON.stringify(record)).not.toContain("PRIVATE KEY");
  });

  test("plain hcloud sees the servers", async () => {
    const { stdout } = await execa(
      "hcloud",
      ["server", "list", "-o", "noheader", "-o", "columns=name,status,ipv4"],
      { env: journey.lab.env },
    );
    expect(stdout).toMatch(/lab-web1\s+running\s+10\./);
    expect(stdout).toMatch(/lab-web2\s+running\s+10\./);
  });

  test("the state holds no private key in the clear", async () => {
    const run = await journey.engine.run(["stack", "export"]);
    expect(run.output).toContain("ciphertext");
    expect(run.output).not.toContain("PRIVATE KEY");
  });
});

describe("the network", () => {
  const opens = (host: string, port: number) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host, port, timeout: 1_500 });
      const end = (open: boolean) => {
        socket.destroy();
        resolve(open);
      };
      socket
        .once("connect", () => end(true))
        .once("timeout", () => end(false))
        .once("error", () => end(false));
    });

  test.each(["address", "ipv6Address"] as const)(
    "a port outside the manifest is refused although something listens: %s",
    async (which) => {
      const address = journey.outputs.hosts.web1?.[which] ?? "";
      const listener = "require('net').createServer(s => s.end()).listen(8080, '::')";
      await session.sh(
        `systemd-run --quiet --unit=listener --collect /usr/local/bin/node -e "${listener}"; sleep 0.5`,
        { deadline: 10_000 },
      );
      const inside = await session.sh("exec bash -c ': </dev/tcp/127.0.0.1/8080'", { deadline: 10_000 });
      expect(inside.exitCode, "nothing listens inside").toBe(0);
      expect(await opens(address, 80), "port 80 is in the manifest").toBe(true);
      expect(await opens(address, 22), "ssh").toBe(true);
      expect(await opens(address, 8080), "port 8080 is not").toBe(false);
      await session.sh("systemctl stop listener", { deadline: 10_000 });
    },
  );

  test("a host with another key than the stack's is not spoken to", async () => {
    const other = journey.outputs.hosts.web2?.hostKey;
    const stranger = await sessionWith(journey.outputs, "web1", other);
    try {
      await expect(stranger.waitUntilReachable(10_000)).rejects.toThrow(
        /web1 \(.*\): ssh as root .*host key verification failed/i,
      );
      await expect(stranger.sh("touch /run/was-here", { deadline: 10_000 })).rejects.toThrow(Failure);
    } finally {
      await stranger.close();
    }
    expect((await session.sh("test -e /run/was-here", { deadline: 10_000 })).exitCode).toBe(1);
  });
});

describe("installing again", () => {
  const install = async (change: (document: Awaited<ReturnType<typeof installDocumentOf>>) => void) => {
    const document = await installDocumentOf(journey.engine, "web1");
    change(document);
    return execa(process.execPath, [join(checkout, "deployer/main.ts"), "install"], {
      cwd: folder,
      env: journey.lab.env,
      input: JSON.stringify(document),
      reject: false,
    });
  };
  const bootId = async () => (await remote(session, "observe", {}, { deadline: 30_000 })).bootId;

  test("a host of this stack is adopted and not touched", async () => {
    const before = await bootId();
    const ended = await install(() => undefined);
    expect(ended.stdout).toContain("installed already; nothing to do");
    expect(ended.exitCode).toBe(0);
    expect(await bootId()).toBe(before);
  });

  test.each([
    ["of another stack", { stack: "prod", host: "web1" }],
    ["of another name", { stack: "lab", host: "web7" }],
    ["on another server", { stack: "lab", host: "web1", server: "999999" }],
  ])("a host %s is refused by name, and keeps running", async (_, other) => {
    const before = await bootId();
    const ended = await install((document) => Object.assign(document.marker, other));
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(
      /web1 \(.*\): install NixOS: refused, it was installed as web1 of stack lab .* The disk was not touched\. Next: /,
    );
    expect(await bootId()).toBe(before);
  });

  test("a host that answers with neither key is refused", async () => {
    const ended = await install((document) => {
      const stranger = journey.outputs.hosts.web2?.hostKey ?? "";
      document.lastingHostKey.publicKey = stranger;
      document.bootstrapHostKey = stranger;
    });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/host key verification failed/i);
  });

  test("an address where no one answers ends within the deadline, saying what was tried", async () => {
    const started = Date.now();
    const ended = await install((document) => {
      document.target.address = journey.outputs.hosts.web1?.address.replace(/\d+$/, "254") ?? "";
      document.deadline = 4;
    });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/web1 \(.*254\): ssh as root on port 22: /);
    expect(Date.now() - started).toBeLessThan(40_000);
  });
});

describe("a release that would strand the host", () => {
  const options = { system: "x86_64-linux", health: [], healthDeadline: 4, switchDeadline: 4, owner: "test" };
  const deploySpoiled = async (spoil: string) =>
    release(session, { ...(await spoiledSystem(good, spoil)), ...options }, { status: () => undefined });

  test("a switch that takes sshd away and hangs is rolled back by the host alone, and only then called so", async () => {
    const spoiled = deploySpoiled("systemctl stop sshd.service; pkill sshd-session; sleep 600");
    await expect(spoiled).rejects.toThrow(`Rolled back to ${good}`);
    expect(await current()).toBe(good);
    expect((await session.sh("systemctl is-active sshd.service", { deadline: 10_000 })).stdout.trim()).toBe(
      "active",
    );
  });

  test("a switch that hangs is given up on", async () => {
    await expect(deploySpoiled("sleep 600")).rejects.toThrow(/the switch has not ended.*Rolled back to/s);
    expect(await current()).toBe(good);
  });

  test("a unit that fails is named with its journal", async () => {
    const spoiled = deploySpoiled(
      'ln -sfn "$here" /run/current-system; systemd-run --quiet --unit=doomed sh -c "echo it hurts; exit 3"; sleep 0.5; exit 4',
    );
    await expect(spoiled).rejects.toThrow(
      /these units failed: doomed\.service\ndoomed\.service:\n(.*\n)*.*it hurts/,
    );
    await session.sh("systemctl reset-failed doomed.service", { deadline: 10_000 });
    expect(await current()).toBe(good);
  });

  test("a deployer that dies in the middle leaves a host that returns by itself and is free for the next one", async () => {
    const system = await spoiledSystem(good, 'ln -sfn "$here" /run/current-system; exit 0');
    const request = {
      target: session.target,
      release: { ...system, ...options, health: [{ http: "http://no.such/never", status: 200 }] },
    };
    const child = execa(process.execPath, [join(checkout, "tests/e2e/deploy.ts")], {
      input: JSON.stringify(request),
      reject: false,
    });
    await expect.poll(current, { timeout: 20_000 }).toBe(system.toplevel);
    child.kill("SIGKILL");
    await expect.poll(current, { timeout: 30_000, interval: 500 }).toBe(good);
    const profile = (await remote(session, "observe", {}, { deadline: 10_000 })).profile;
    expect(profile).toBe(good);
    const next = release(
      session,
      { ...(await spoiledSystem(good, "exit 1")), ...options },
      { status: () => undefined },
    );
    await expect(next, "the lock is free").rejects.toThrow(/switch-to-configuration ended with 1/);
  });

  test("the trial of a deployer that died is rolled back before the next one looks at what runs", async () => {
    const system = await spoiledSystem(good, 'ln -sfn "$here" /run/current-system; exit 0');
    const never = [{ http: "http://no.such/never", status: 200 }];
    const left = { ...system, ...options, health: never, healthDeadline: 600 };
    const child = execa(process.execPath, [join(checkout, "tests/e2e/deploy.ts")], {
      input: JSON.stringify({ target: session.target, release: left }),
      reject: false,
    });
    await expect.poll(current, { timeout: 20_000 }).toBe(system.toplevel);
    child.kill("SIGKILL");
    await child;
    // As after 45 s without a sign of life; the guard watches for ten minutes yet.
    await session.sh("echo 0 > /run/berth/lock/until", { deadline: 5_000 });
    const next = release(session, { ...system, ...options, health: never }, { status: () => undefined });
    await expect(next).rejects.toThrow(`Rolled back to ${good}`);
    expect(await current()).toBe(good);
    const guards = await session.sh("systemctl list-units --plain --no-legend 'berth-guard-*' | wc -l", {
      deadline: 5_000,
    });
    expect(guards.stdout.trim(), "no guard is left to act later").toBe("0");
  });

  test("a trial that is taken back while it is being confirmed gives profile and boot default back, too", async () => {
    const spoiled = await spoiledSystem(good, 'ln -sfn "$here" /run/current-system; exit 0', {
      failingBoot: true,
    });
    const next = release(session, { ...spoiled, ...options }, { status: () => undefined });
    await expect(next).rejects.toThrow(/the boot loader could not be written.*Rolled back to/s);
    const now = await remote(session, "observe", {}, { deadline: 10_000 });
    expect([now.current, now.profile]).toEqual([good, good]);
    const loader = await session.sh(
      "cat /boot/loader/entries/$(sed -n 's/^default //p' /boot/loader/loader.conf)",
      { deadline: 5_000 },
    );
    expect(loader.stdout).toContain(`init=${good}/init`);
  });

  test("while one deploys, another is refused and told who", async () => {
    const first = deploySpoiled("sleep 600").catch((error: Error) => error.message);
    await expect
      .poll(async () => (await session.sh("cat /run/berth/lock/owner", { deadline: 5_000 })).stdout.trim(), {
        timeout: 15_000,
      })
      .toBe("test");
    await expect(deploySpoiled("exit 0")).rejects.toThrow(
      /another deployment holds the lock: test.*Nothing was changed/,
    );
    expect(await first).toContain(`Rolled back to ${good}`);
  });

  test("something that is no NixOS system is refused before it is tried", async () => {
    const bare = await spoiledSystem(good, "exit 0", { withoutSwitch: true });
    const refused = release(session, { ...bare, ...options }, { status: () => undefined });
    await expect(refused).rejects.toThrow(/is not a NixOS system.*The old system was not touched/);
  });
});

describe("updates", () => {
  test("a build that fails shows its log and leaves the running release alone", async () => {
    const page = async () => heading(await fetchPage(journey.outputs.hosts.web1?.url ?? ""));
    const before = await page();
    await journey.site.breakBuild();
    const run = await journey.up();
    await journey.site.mend();
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(/the build failed/);
    expect(run.output).toMatch(/hooks\.server\.ts/);
    expect(run.output).toMatch(/Nothing was changed on any host/);
    expect(await page()).toBe(before);
  });

  test("a system switched by hand is seen by a refresh and put back by the next update", async () => {
    const other = await spoiledSystem(good, 'ln -sfn "$here" /run/current-system');
    await execa("nix", ["copy", "--no-check-sigs", "--to", `ssh://${session.alias}`, other.toplevel], {
      env: { NIX_SSHOPTS: session.sshOptions },
    });
    await session.sh(`${other.toplevel}/bin/switch-to-configuration test`, { deadline: 20_000 });
    const refreshed = await journey.engine.run(["refresh", "--yes", "--skip-preview"]);
    expect(refreshed.output).toContain(`web1`);
    expect(refreshed.output).toContain(`runs ${other.toplevel}`);
    const run = await journey.up();
    expect(run.exitCode, run.output).toBe(0);
    expect(await current()).toBe(good);
  });

  test("a refresh with a host that does not answer keeps its state and warns", async () => {
    // Only its next boot brings it back.
    const deaf = "systemctl stop sshd.service; pkill sshd-session";
    await session.sh(deaf, { deadline: 20_000 }).catch(() => undefined);
    session.drop();
    const run = await journey.engine.run(["refresh", "--yes", "--skip-preview"]);
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toMatch(/web1 could not be read, its state is kept/);
    await execa("hcloud", ["server", "reset", "lab-web1"], { env: journey.lab.env });
    await session.waitUntilReachable(60_000);
    expect((await journey.engine.outputs()).hosts.web1?.release).toBe(good);
  });

  test("a wrong configuration is told in one message, and nothing is planned", async () => {
    const file = join(folder, "Pulumi.wrong.yaml");
    const text = await readFile(journey.lab.places.stackFile, "utf8");
    await writeFile(
      file,
      text.replace("type: cx23", "type: cx99").replace("system: web", "system: web\n      colour: red"),
    );
    const run = await journey.engine.run(["preview", "--config-file", file]);
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(
      /berth:hosts\.web1\.server\.type: "cx99" is not a server type by .*; what fits: cx23 in fsn1/,
    );
    expect(run.output).toMatch(/berth:hosts\.web1\.colour: there is no such key/);
    expect(run.output).not.toMatch(/at .*\.ts:\d+/);
  });
});

describe("the way back", () => {
  test("destroy and reset leave nothing", async () => {
    await journey.back().catch((error: Error) => {
      throw new Error(`${error.message}\n${printed.slice(-40).join("\n")}`);
    });
    expect(journal.steps.every(({ ok }) => ok)).toBe(true);
  });
});
