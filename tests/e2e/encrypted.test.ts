import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unlockDisk } from "../../deployer/unlock/unlock.ts";
import { Engine, type EngineRun, type StackOutputs } from "../../lab/journey/pulumi.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { attemptTcp } from "../lab/machines/remote.ts";
import { api } from "../lab/system/host.ts";
import { LeakSearch } from "./leaks.ts";
import { sessionWith } from "./stack.ts";

/** A host with an encrypted disk, from its installation to the restarts that wait for the passphrase, on a lab of this file's own. */

const folder = join(checkout, ".lab-e2e-encrypted");
const started = new Date();
/** A text that is nowhere by chance, with what shells and JSON stumble over. */
const passphrase = `disk ${randomBytes(12).toString("hex")}$\`'"\\%s`;
const sought = { passphrase, "core of the passphrase": /[0-9a-f]{24}/.exec(passphrase)?.[0] ?? "" };
const printed: string[] = [];

let lab: Lab;
let engine: Engine;
let stack: StackOutputs;
const watch = new LeakSearch(sought);
let stopWatching: () => Promise<void>;

const config = (...args: string[]) => execa("pulumi", ["config", ...args], { cwd: checkout, env: lab.env });
const pulumi = async (...args: string[]): Promise<EngineRun> => {
  const run = await engine.run(args);
  printed.push(run.output);
  return run;
};
const berth = async (args: string[], input?: string) => {
  const options = { cwd: checkout, env: lab.env, reject: false, timeout: 120_000 } as const;
  const ended = await execa(join(checkout, "bin/berth"), args, {
    ...options,
    ...(input === undefined ? {} : { input }),
  });
  printed.push(ended.stdout, ended.stderr);
  return ended;
};
const setPassphrase = (value: string) =>
  execa("pulumi", ["config", "set", "--secret", "--path", "berth:secrets.web1-disk"], {
    ...{ cwd: checkout, env: lab.env },
    input: value,
  });

/** The host's outputs: its address, its server, where its disk is unlocked. */
const web1 = () => {
  const host = stack.hosts.web1;
  if (!host) throw new Error("the stack has no host web1");
  return host;
};
const knock = (port: number) => attemptTcp(web1().address, port, 2_000);
const outputsOfWeb1 = async () =>
  JSON.parse((await engine.run(["stack", "output", "--json", "hosts"])).output).web1 as {
    serverId: string;
    unlock: { port: number; hostKey: string; passphrase: string };
  };

/** Cut the host's power and give it back; resolves when its disk asks, and nothing but that runs. */
async function resetHost(): Promise<void> {
  await api(lab.env, "POST", `/servers/${(await outputsOfWeb1()).serverId}/actions/reset`);
  await expect.poll(() => knock(22), { timeout: 60_000 }).not.toBe("open");
  await expect.poll(() => knock(2222), { timeout: 60_000 }).toBe("open");
  expect(await knock(22)).not.toBe("open");
}

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  Object.assign(process.env, lab.env);
  engine = new Engine(checkout, lab.env, () => undefined);
  // Pulumi hands a program and the provider of the same name their configuration in the environment.
  stopWatching = watch.watchProcesses(
    (commandLine) =>
      /pulumi\/cmd\/run\b/.test(commandLine) || /^\/bin\/sh \S+\/pulumi-resource-berth /.test(commandLine),
  );
  await config("set", "--path", "berth:hosts.web1.system", "web-encrypted");
});

afterAll(async () => {
  await stopWatching?.();
  await reset({ folder });
});

describe("a host with an encrypted disk", () => {
  test("is refused before anything is ordered, as long as it has no passphrase", async () => {
    const run = await pulumi("preview");
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toContain(
      "berth:hosts.web1.disk.passphrase: is missing; the flake's berth.hosts.web-encrypted.encryption wants a passphrase for the disk",
    );
  });

  test("is installed, unlocked at its first boot, and runs its release", async () => {
    await setPassphrase(passphrase);
    await config("set", "--path", "berth:hosts.web1.disk.passphrase", "web1-disk");
    const run = await pulumi("up", "--yes", "--skip-preview");
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain("unlocking the disk, as soon as it asks");
    expect(run.output).toContain("the disk is unlocked; the boot goes on");
    stack = await engine.outputs();
    expect((await fetch(`http://${web1().address}/healthz`)).status).toBe(200);
    expect((await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")).exitCode).toBe(0);
  });

  test("waits for its passphrase after a reset, and says to whoever logs in what it may be waiting for", async () => {
    await resetHost();
    const { exitCode, stderr } = await berth(["ssh", "web1", "true"]);
    expect(exitCode).toBe(255);
    expect(stderr).toContain("it waits for berth unlock web1");
  });

  test("is not opened by a wrong passphrase, which is said, and asks again", async () => {
    await setPassphrase("another one than the disk's");
    const { exitCode, stderr } = await berth(["unlock", "web1"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /web1 \(.*\): unlock its disk: the passphrase is wrong\. The disk asks again\. Next: /,
    );
    expect(await knock(22)).not.toBe("open");
    await setPassphrase(passphrase);
  });

  test("is sent no passphrase when another than its key answers", async () => {
    const { unlock } = await outputsOfWeb1();
    const target = { stack: "lab", host: "web1", address: web1().address, port: 22, user: "root" };
    const disk = { port: unlock.port, hostKey: web1().hostKey, passphrase };
    const options = { until: Date.now() + 60_000, say: () => undefined };
    await expect(
      unlockDisk({ ...target, hostKeys: [web1().hostKey], loginKey: stack.loginKey }, disk, options),
    ).rejects.toThrow(
      /another host key than this stack's answers on port 2222\. The passphrase was not sent\./,
    );
    expect(await knock(22)).not.toBe("open");
  });

  test("comes back by berth unlock, with the stack's passphrase or with one from stdin", async () => {
    const unlocked = await berth(["unlock", "web1"]);
    expect(unlocked.exitCode, unlocked.stderr).toBe(0);
    expect(unlocked.stderr).toContain("answers as itself again");
    await resetHost();
    expect((await berth(["unlock", "web1", "--stdin"], `${passphrase}\n`)).exitCode).toBe(0);
    expect((await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")).exitCode).toBe(0);
  });

  test("has nothing to unlock while it runs", async () => {
    const { exitCode, stderr } = await berth(["unlock", "web1"]);
    expect([exitCode, stderr]).toEqual([0, "berth: web1: it runs; there is nothing to unlock"]);
  });

  test("has its passphrase nowhere: no process, file, journal, output or state", async () => {
    await stopWatching();
    const search = new LeakSearch(sought);
    const session = await sessionWith(stack, "web1");
    try {
      await search.host(session);
      const since = ["-newerct", started.toISOString()];
      const top = ["-mindepth", "1", "-maxdepth", "1", ...since];
      const newer = await execa("find", ["/nix/store", ...top]);
      await search.files("new in this machine's Nix store", newer.stdout.split("\n").filter(Boolean));
      const left = await execa("find", ["/tmp", ...top], { reject: false });
      const own = dirname(session.configFile);
      await search.files("left in /tmp", left.stdout.split("\n").filter(Boolean), (file) =>
        file.startsWith(own),
      );
    } finally {
      await session.close();
    }
    await search.files("the lab's folder", [folder]);
    await search.files("logs of installations", [join(checkout, ".berth/logs")]);
    search.text("what was printed", printed.join("\n"));
    search.text("the state", (await engine.run(["stack", "export"])).output);
    search.text("the outputs", (await engine.run(["stack", "output", "--json", "--show-secrets"])).output);
    search.text("the stack's configuration", await readFile(lab.places.stackFile, "utf8"));
    console.log([...watch.report(), ...search.report()].join("\n"));
    expect(watch.findings).toEqual([]);
    expect(search.findings).toEqual([]);
  });
});
