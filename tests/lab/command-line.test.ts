import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudProcess } from "../../lab/cloud-process.ts";
import { down, env, type Lab, reset, status, up } from "../../lab/lab.ts";
import { labNames } from "../../lab/machines/names.ts";
import { waitFor } from "../../lab/machines/waiting.ts";
import { checkout } from "../../lab/setup/places.mjs";

/** A lab of this file's own: it is killed, moved and removed. */
let parent: string;
let folder: string;
let lab: Lab;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "berth-lab-"));
  folder = join(parent, "lab");
  lab = await up({ folder });
});

afterAll(async () => {
  await reset({ folder });
  await rm(parent, { recursive: true, force: true });
});

/** Run a command by hand, as after `eval "$(npm run -s lab -- env)"`. */
async function byHand(file: string, args: readonly string[]) {
  const result = await execa(file, args, {
    cwd: checkout,
    env: await env({ folder }),
    reject: false,
    timeout: 200_000,
  });
  return { code: result.exitCode, output: `${result.stdout}\n${result.stderr}` };
}

async function asRoot(...command: [string, ...string[]]) {
  const [file, ...args] = process.getuid?.() === 0 ? command : (["sudo", "-n", ...command] as const);
  await execa(file, args);
}

/** Names of everything in the kernel that belongs to this lab. */
async function leftInKernel(): Promise<string[]> {
  const { namespace, link, cgroup } = labNames(folder);
  const links = JSON.parse((await execa("ip", ["-j", "link"])).stdout) as { ifname: string }[];
  const routes = (await execa("ip", ["route"])).stdout.split("\n");
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  const commands = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map((name) => readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")),
  );
  return [
    ...(existsSync(`/run/netns/${namespace}`) ? [`namespace ${namespace}`] : []),
    ...links.filter(({ ifname }) => ifname === link).map(({ ifname }) => `link ${ifname}`),
    ...routes.filter((line) => line.includes(link)),
    ...mounts.filter((line) => line.includes(folder)),
    ...commands
      .filter((line) => line.includes(folder))
      .map((line) => `process ${line.replaceAll("\0", " ")}`),
    ...(await readdir("/sys/fs/cgroup")).filter((name) => name === cgroup),
  ];
}

describe("a lab that is up", () => {
  test("says so, and what is where", async () => {
    const found = await status({ folder });
    expect(found).toMatchObject({ exists: true, servers: [] });
    expect(found.cloud?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect(found.machines?.namespace).toBe(labNames(folder).namespace);
  });

  test("has its stack selected in a Pulumi of its own, so that plain pulumi works", async () => {
    const { code, output } = await byHand("pulumi", ["stack", "ls", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(output.slice(0, output.lastIndexOf("]") + 1))).toMatchObject([
      { name: "lab", current: true },
    ]);
  });

  test("leaves the committed configuration of the stack untouched", async () => {
    const committed = await readFile(join(checkout, "Pulumi.lab.yaml"), "utf8");
    await byHand("pulumi", ["config", "set", "berth:note", "mine"]);
    expect(await readFile(join(checkout, "Pulumi.lab.yaml"), "utf8")).toBe(committed);
    expect(await readFile(lab.places.stackFile, "utf8")).toContain("mine");
    await byHand("pulumi", ["config", "rm", "berth:note"]);
  });

  test("evaluates the flake with the Nix of its environment", async () => {
    const { output } = await byHand("nix", [
      "eval",
      "--json",
      `path:${folder}/flake#berth.hosts`,
      "--apply",
      "builtins.attrNames",
    ]);
    expect(output).toMatch(/^\["web",.*"web-tls"\]$/m);
  });

  test("refuses to log in to a host that the stack does not have", async () => {
    const { code, output } = await byHand(process.execPath, ["lab/cli.ts", "ssh", "web9"]);
    expect(code).toBe(1);
    expect(output).toMatch(/^lab: the stack lab has no hosts? /m);
  });

  test("brought up again, is the same", async () => {
    const before = await status({ folder });
    await up({ folder });
    expect(await status({ folder })).toEqual(before);
  });
});

describe("what goes wrong", () => {
  test("the cloud was killed: the next up has it back at the same address", async () => {
    const before = await status({ folder });
    process.kill((await cloudProcess(lab.places)) ?? 0, "SIGKILL");
    expect((await status({ folder })).cloud).toBeUndefined();
    await up({ folder });
    expect((await status({ folder })).cloud?.url).toBe(before.cloud?.url);
  });

  test("its port was taken meanwhile: the next up finds another", async () => {
    const url = new URL((await status({ folder })).cloud?.url ?? "");
    process.kill((await cloudProcess(lab.places)) ?? 0, "SIGKILL");
    const thief = createServer((connection) => connection.end("HTTP/1.1 200 OK\r\n\r\n{}"));
    const listening = () =>
      new Promise<true | null>((resolve) => {
        thief.once("error", () => resolve(null));
        thief.listen(Number(url.port), "127.0.0.1", () => resolve(true));
      });
    await waitFor("taking the killed cloud's port", listening, 30_000);
    try {
      await up({ folder });
      const now = new URL((await status({ folder })).cloud?.url ?? "");
      expect(now.port).not.toBe(url.port);
    } finally {
      thief.close();
    }
  });

  test("the machines' daemon was killed: namespace and bridge of the dead one are cleared, and the next up works", async () => {
    const { machines } = await status({ folder });
    await asRoot("kill", "-KILL", String(machines?.pid));
    expect(existsSync(labNames(folder).namespacePath)).toBe(true);
    await up({ folder });
    const found = await status({ folder });
    expect(found.machines?.pid).not.toBe(machines?.pid);
    expect(found.machines?.ipv4).toBe(machines?.ipv4);
    expect(found.servers).toEqual([]);
  });

  test("up is interrupted: the next up works", async () => {
    await down({ folder });
    const cut = spawn(process.execPath, ["lab/cli.ts", "up"], {
      cwd: checkout,
      env: { ...process.env, BERTH_LAB: folder },
    });
    const begun = async () => ((await status({ folder })).machines ? true : null);
    await waitFor("the start of the machines", begun, 150_000);
    cut.kill("SIGKILL");
    await up({ folder });
    expect(await status({ folder })).toMatchObject({ servers: [] });
  });
});

describe("down and reset", () => {
  test("down leaves nothing in the kernel and keeps the state; env says that the lab is not up", async () => {
    expect(await down({ folder })).toBe(true);
    expect(await leftInKernel()).toEqual([]);
    expect(existsSync(join(lab.places.state, ".pulumi"))).toBe(true);
    await expect(env({ folder })).rejects.toThrow(/is not up\. Next: npm run lab -- up/);
    expect(await down({ folder })).toBe(false);
  });

  test("reset of a lab that is up leaves nothing at all", async () => {
    await up({ folder });
    expect(await leftInKernel()).not.toEqual([]);
    expect(await reset({ folder })).toBe(true);
    expect(await leftInKernel()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test("reset removes what a lab left whose folder was deleted by hand", async () => {
    await up({ folder });
    const { machines } = await status({ folder });
    process.kill((await cloudProcess(lab.places)) ?? 0, "SIGKILL");
    await asRoot("kill", "-KILL", String(machines?.pid));
    await asRoot("rm", "-rf", folder);
    expect(await leftInKernel()).not.toEqual([]);
    expect(await reset({ folder })).toBe(true);
    expect(await leftInKernel()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });
});
