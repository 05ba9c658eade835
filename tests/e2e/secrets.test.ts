import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { SshSession } from "../../deployer/ssh/session.ts";
import { Engine, type EngineRun, type StackOutputs } from "../../lab/journey/pulumi.ts";
import { Site } from "../../lab/journey/site.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { LeakSearch } from "./leaks.ts";
import { sessionWith } from "./stack.ts";

/** Secrets from `pulumi config set` to the service, on a lab of this file's own; at the end nothing else has seen them. */

const folder = join(checkout, ".lab-e2e-secrets");
const started = new Date();

/** A text that is nowhere by chance, with what shells and JSON stumble over. */
const fresh = (name: string) => `${name}-${randomBytes(12).toString("hex")}$\`'"\\%s`;
/** Every value there is in this run. */
const secrets = {
  greeting: fresh("greeting"),
  "second greeting": fresh("greeting"),
  "third greeting": fresh("greeting"),
  cert: `-----BEGIN CERT-----\n${randomBytes(96).toString("base64").replaceAll(/.{64}/g, "$&\n")}\n-----END CERT-----`,
  key: fresh("key"),
  "second key": fresh("key"),
};
/** What is set now. */
const values = { greeting: secrets.greeting, cert: secrets.cert, key: secrets.key };
const outputs: string[] = [];

let lab: Lab;
let engine: Engine;
let site: Site;
let stack: StackOutputs;
let session: SshSession;

const pulumi = async (...args: string[]): Promise<EngineRun> => {
  const run = await engine.run(args);
  outputs.push(run.output);
  return run;
};
const up = async (...args: string[]): Promise<EngineRun> => {
  const run = await pulumi("up", "--yes", "--skip-preview", ...args);
  expect(run.exitCode, run.output).toBe(0);
  return run;
};

/** Set as people do, the value on stdin. */
async function setSecret(name: keyof typeof values, value: string): Promise<void> {
  values[name] = value;
  const args = ["config", "set", "--secret", "--path", `berth:secrets.${name}`];
  await execa("pulumi", args, { cwd: checkout, env: lab.env, input: value, stripFinalNewline: false });
}
const config = (...args: string[]) => execa("pulumi", ["config", ...args], { cwd: checkout, env: lab.env });

const ask = async (script: string): Promise<string> => {
  const ended = await session.sh(script, { deadline: 60_000, fresh: true });
  return ended.stdout.trim();
};
const digest = (value: string) => createHash("sha256").update(value).digest("hex");
/** What keeper has read when it started, by name. */
const kept = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await ask("cat /run/keeper/digests"))
      .split("\n")
      .map((line) => line.split(/\s+/).toReversed() as [string, string]),
  );
/** Sets $instance to the unit that serves the site. */
const instance = "instance=site@$(basename $(readlink /run/webapp/site/current.sock) .sock).service";
/** Another one with each start of a service. */
const invocations = async () => {
  const [inSite, inKeeper, inNginx] = (
    await ask(
      `${instance}; for unit in $instance keeper nginx; do systemctl show --property=InvocationID --value $unit; done`,
    )
  ).split("\n");
  return { site: inSite, keeper: inKeeper, nginx: inNginx };
};
const siteStarts = async () =>
  Number(await ask("journalctl --unit='site@*.service' --output=cat --no-pager | grep -c '^Started '"));
const siteRunsWith = () => ask(`${instance}; sha256sum </run/credentials/$instance/GREETING | cut -d' ' -f1`);

async function lastingKey(): Promise<string> {
  const { output } = await engine.run(["stack", "export", "--show-secrets"]);
  const { resources } = exported.parse(JSON.parse(output)).deployment;
  const key = resources.find(({ urn }) => urn.endsWith("::web1-identity-lasting"));
  const { plaintext } = z.object({ plaintext: z.string() }).parse(key?.outputs?.privateKey);
  return JSON.parse(plaintext);
}
const exported = z.object({
  deployment: z.object({
    resources: z.array(z.object({ urn: z.string(), outputs: z.record(z.string(), z.unknown()).optional() })),
  }),
});

/** By themselves and by the part that no quoting touches. */
const sought = Object.fromEntries(
  Object.entries(secrets).flatMap(([name, value]) => [
    [name, value],
    ...(/[0-9a-f]{24}/.exec(value) ?? []).map((core) => [`core of ${name}`, core]),
  ]),
);
const watch = new LeakSearch(sought);
let stopWatching: () => Promise<void>;

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  Object.assign(process.env, lab.env);
  engine = new Engine(checkout, lab.env, () => undefined);
  site = new Site(join(lab.places.flake, "site"));
  // Pulumi hands a program and the provider of the same name their configuration in the environment. The provider's first act is to drop
  // it; no other process may have it there.
  stopWatching = watch.watchProcesses(
    (commandLine) =>
      /pulumi\/cmd\/run\b/.test(commandLine) || /^\/bin\/sh \S+\/pulumi-resource-berth /.test(commandLine),
  );
  await config("set", "--path", "berth:hosts.web1.system", "web-secrets");
  await setSecret("greeting", values.greeting);
  await setSecret("cert", values.cert);
  await setSecret("key", values.key);
});

afterAll(async () => {
  await stopWatching?.();
  await session?.close();
  await reset({ folder });
});

describe("a stack with secrets", () => {
  test("is refused before anything is ordered, as long as a service lacks one", async () => {
    await config("set", "--path", "berth:hosts.web1.secrets.site.GREETING", "greeting");
    await config("set", "--path", "berth:hosts.web1.secrets.keeper.KEEPER_CERT", "cert");
    const run = await pulumi("preview");
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toContain(
      "berth:hosts.web1.secrets.keeper.KEEPER_KEY: is missing; the flake's berth.hosts.web-secrets.credentials.keeper expects KEEPER_KEY",
    );
    await config("set", "--path", "berth:hosts.web1.secrets.keeper.KEEPER_KEY", "key");
  });

  test("delivers them to the host that it installs, and its services read them as they were set", async () => {
    await up();
    stack = await engine.outputs();
    session = await sessionWith(stack, "web1");
    expect(await kept()).toEqual({ KEEPER_CERT: digest(values.cert), KEEPER_KEY: digest(values.key) });
    expect(await siteRunsWith()).toBe(digest(values.greeting));
    expect(
      await ask("stat -c '%a %U' /var/lib/berth/credentials /var/lib/berth/credentials/site/GREETING"),
    ).toBe("700 root\n600 root");
    await up("--expect-no-changes");
  });

  test("changes one: the preview tells which by name, and only the service that uses it restarts", async () => {
    const before = await invocations();
    await setSecret("key", secrets["second key"]);
    const preview = await pulumi("preview", "--diff");
    expect(preview.output).toContain("web1: secrets change: keeper.KEEPER_KEY; restarts keeper");
    expect(preview.output).toMatch(/~ KEEPER_KEY: \[secret\] => \[secret\]/);
    await up();
    expect(await kept()).toMatchObject({ KEEPER_KEY: digest(values.key) });
    const after = await invocations();
    expect(after).toEqual({ ...before, keeper: after.keeper });
    expect(after.keeper).not.toBe(before.keeper);
  });

  test("changes one together with the app: its service restarts once, with both", async () => {
    const before = await siteStarts();
    await setSecret("greeting", secrets["second greeting"]);
    await site.change("New, with a new secret.");
    await up();
    expect(await siteRunsWith()).toBe(digest(values.greeting));
    expect(await siteStarts()).toBe(before + 1);
  });

  test("keeps them over a reboot", async () => {
    const boot = await ask("cat /proc/sys/kernel/random/boot_id");
    await session.sh("systemctl reboot", { deadline: 20_000 }).catch(() => undefined);
    session.drop();
    await expect
      .poll(() => ask("cat /proc/sys/kernel/random/boot_id").catch(() => boot), { timeout: 120_000 })
      .not.toBe(boot);
    await expect
      .poll(() => ask("systemctl is-active site keeper"), { timeout: 60_000 })
      .toBe("active\nactive");
    expect(await kept()).toEqual({ KEEPER_CERT: digest(values.cert), KEEPER_KEY: digest(values.key) });
    await up("--expect-no-changes");
  });

  test("notices on refresh what was removed by hand, whose service says what it lacks, and puts it back", async () => {
    await ask("rm /var/lib/berth/credentials/keeper/KEEPER_KEY; systemctl restart keeper");
    expect(await ask("journalctl --unit=keeper --output=cat --no-pager | tail -n 12")).toContain(
      "credentials are missing: KEEPER_KEY (in /var/lib/berth/credentials/keeper)",
    );
    const refreshed = await pulumi("refresh", "--yes", "--skip-preview");
    expect(refreshed.output.replaceAll(/\s+/g, " ")).toContain(
      "not in place as delivered: keeper.KEEPER_KEY; the next pulumi up delivers again",
    );
    const before = await invocations();
    await up();
    expect(await kept()).toMatchObject({ KEEPER_KEY: digest(values.key) });
    expect((await invocations()).site).toBe(before.site);
  });

  test("does not take a secret back with a release that is refused", async () => {
    const release = (await engine.outputs()).hosts.web1?.release;
    await setSecret("greeting", secrets["third greeting"]);
    await site.break();
    const run = await pulumi("up", "--yes", "--skip-preview");
    await site.mend();
    expect(run.exitCode).not.toBe(0);
    expect(run.output.replaceAll(/\s+/g, " ")).toContain(`Rolled back to ${release}`);
    expect(await siteRunsWith(), "the old release runs with the new secret").toBe(digest(values.greeting));
    await up();
  });

  test("keeps what the old release needs when one that needs less is refused, and removes it when one is kept", async () => {
    const file = join(lab.places.flake, "hosts.nix");
    const hosts = await readFile(file, "utf8");
    await writeFile(file, hosts.replace('"KEEPER_CERT"', ""));
    await config("rm", "--path", "berth:hosts.web1.secrets.keeper.KEEPER_CERT");
    await site.break();
    const refused = await pulumi("up", "--yes", "--skip-preview", "--continue-on-error");
    await site.mend();
    expect(refused.exitCode).not.toBe(0);
    expect(await ask("ls /var/lib/berth/credentials/keeper")).toBe("KEEPER_CERT\nKEEPER_KEY");
    expect(await ask("systemctl is-active keeper")).toBe("active");

    const run = await up();
    expect(run.output).toContain("berth:secrets.cert: nothing uses it");
    expect(await ask("ls /var/lib/berth/credentials/keeper")).toBe("KEEPER_KEY");
    expect(Object.keys(await kept())).toEqual(["KEEPER_KEY"]);
  });

  test("brings them to a host that was rebuilt", async () => {
    const { output } = await engine.run(["stack", "export"]);
    const server = /"urn": "([^"]*::web1-hardware-server)"/.exec(output)?.[1] ?? "";
    await up("--replace", server);
    await session.close();
    stack = await engine.outputs();
    session = await sessionWith(stack, "web1");
    expect(await kept()).toEqual({ KEEPER_KEY: digest(values.key) });
    expect(await siteRunsWith()).toBe(digest(values.greeting));
  });

  test("has them nowhere else: no process, file, journal, output or state", async () => {
    await stopWatching();
    const search = new LeakSearch({
      ...sought,
      "login key": stack.loginKey,
      "lasting host key": await lastingKey(),
    });
    const hostKey = "/etc/ssh/ssh_host_ed25519_key";
    await search.host(session, [hostKey]);
    await search.files("the lab's folder", [folder], (file) => file.endsWith(hostKey));
    const since = ["-newerct", started.toISOString()];
    const newer = await execa("find", ["/nix/store", "-mindepth", "1", "-maxdepth", "1", ...since]);
    await search.files("new in this machine's Nix store", newer.stdout.split("\n").filter(Boolean));
    const left = await execa("find", ["/tmp", "-mindepth", "1", "-maxdepth", "1", ...since], {
      reject: false,
    });
    // This test's own connection is still there.
    const own = dirname(session.configFile);
    await search.files("left in /tmp", left.stdout.split("\n").filter(Boolean), (file) =>
      file.startsWith(own),
    );
    search.text("what pulumi printed", outputs.join("\n"));
    search.text("the state", (await engine.run(["stack", "export"])).output);
    search.text("the stack's configuration", await readFile(lab.places.stackFile, "utf8"));
    console.log([...watch.report(), ...search.report()].join("\n"));
    expect(watch.findings).toEqual([]);
    expect(search.findings).toEqual([]);
  });

  test("removes them all from a host whose services expect none", async () => {
    await config("set", "--path", "berth:hosts.web1.system", "web");
    await config("rm", "--path", "berth:hosts.web1.secrets");
    await up();
    expect(await ask("ls /var/lib/berth/credentials 2>&1 | tail -n 1")).toMatch(/No such file/);
  });
});
