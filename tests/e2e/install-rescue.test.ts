import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { existingMachineId } from "../../components/existing-server.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import { Engine, type StackOutputs } from "../../lab/journey/pulumi.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { until } from "../lab/system/host.ts";
import { builtSystem, LabServer } from "./installing.ts";
import { sessionWith } from "./stack.ts";

/** A lab of this file's own. */
const folder = join(checkout, ".lab-rescue-install");
let lab: Lab;
let engine: Engine;
let server: LabServer;
let outputs: StackOutputs;
/** The key that the rescue system made for itself. */
let hostKey: string;

/** Machines of the lab show no disk of their own; one that was ordered elsewhere is not installed without. */
const showDisk = [
  "mkdir -p /run/block/sda",
  "echo 39062500 >/run/block/sda/size",
  "mount --bind /run/block /sys/block",
  "mknod /dev/sda b 7 250",
  "mkdir -p /dev/disk/by-id",
  "ln -s ../../sda /dev/disk/by-id/ata-LAB_1",
].join(" && ");

/** The installer that the flake's tarball boots shows the disk before it lets anybody in. */
async function showDiskInInstaller(): Promise<void> {
  const file = join(lab.places.flake, "kexec-run.sh");
  const units = '"$handover/etc/systemd/system"';
  const unit = [
    ...["[Unit]", "Before=ssh.service", "[Service]", "Type=oneshot", "RemainAfterExit=yes"],
    `ExecStart=/bin/sh -c "${showDisk}"`,
  ];
  const plant = `umask 022
mkdir -p ${units}/multi-user.target.wants
cat >${units}/lab-disk.service <<'UNIT'
${unit.join("\n")}
UNIT
ln -s ../lab-disk.service ${units}/multi-user.target.wants/
umask 077
`;
  const script = await readFile(file, "utf8");
  const begin = script.indexOf("\nfor key in /etc/ssh/ssh_host_*");
  if (begin < 0) throw new Error(`${file} is not what it was`);
  await writeFile(file, `${script.slice(0, begin)}\n${plant}${script.slice(begin)}`);
}

/** Has the stack these hosts. */
async function configure(hosts: object): Promise<void> {
  const stack = parse(await readFile(lab.places.stackFile, "utf8")) as { config: Record<string, unknown> };
  stack.config["berth:hosts"] = hosts;
  await writeFile(lab.places.stackFile, stringify(stack));
}

const update = () => engine.run(["up", "--yes", "--skip-preview"]);
const metal = (existing: object = {}) => ({
  metal: {
    system: "web",
    existing: { address: server.ipv4, ipv6: server.ipv6, hostKey, ...existing },
    healthDeadline: 60,
  },
});

/** Runs a command in the rescue system. */
async function inRescue(script: string): Promise<string> {
  const session = await SshSession.create({
    ...{ stack: "lab", host: "metal", address: server.ipv4, port: 22, user: "root" },
    ...{ hostKeys: [hostKey], loginKey: server.login.privateKey },
  });
  try {
    await session.waitUntilReachable(60_000);
    const ended = await session.sh(script, { deadline: 30_000, fresh: true });
    if (ended.exitCode !== 0) throw new Error(`${script}: ${ended.stderr}`);
    return ended.stdout.trim();
  } finally {
    await session.close();
  }
}

/** Has Hetzner do something to the server, and waits until it is done. */
async function act(what: string, body: object = {}): Promise<void> {
  const { action } = (await server.api("POST", `/servers/${server.id}/actions/${what}`, body)) as {
    action: { id: number };
  };
  await until(`the action ${what}`, 60_000, async () => {
    const now = (await server.api("GET", `/actions/${action.id}`)) as { action: { status: string } };
    return now.action.status === "running" ? undefined : true;
  });
}

const scannedKey = () =>
  until("a host key of the rescue system", 120_000, async () => {
    const { stdout } = await execa("ssh-keyscan", ["-T", "5", "-t", "ed25519", server.ipv4], {
      reject: false,
    });
    const key = stdout.split(" ").slice(1).join(" ").trim();
    return key !== "" && !server.bootstrap.publicKey.startsWith(key) ? key : undefined;
  });

/** The key that the stack will log in with, made before anything else of it. */
async function stackKey(): Promise<string> {
  const { exitCode, output } = await engine.run([
    "up",
    "--yes",
    "--skip-preview",
    "--target",
    "**::login",
    "--target",
    "**::login-key",
  ]);
  if (exitCode !== 0) throw new Error(output);
  const exported = await engine.run(["stack", "export"]);
  const key = /"publicKey": "(ssh-ed25519 [^"]+)"/.exec(exported.output)?.[1];
  if (key === undefined) throw new Error(exported.output);
  return key;
}

async function keyAtHetzner(name: string, publicKey: string): Promise<number> {
  const { ssh_key } = (await server.api("POST", "/ssh_keys", { name, public_key: publicKey })) as {
    ssh_key: { id: number };
  };
  return ssh_key.id;
}

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  Object.assign(process.env, lab.env);
  await showDiskInInstaller();
  engine = new Engine(checkout, lab.env, () => undefined);
  server = await LabServer.order(lab, await builtSystem(lab), "elsewhere");
  hostKey = server.bootstrap.publicKey;
  await configure(metal());
  const keys = [server.login.publicKey, await stackKey()];
  const ids = await Promise.all(keys.map((key, index) => keyAtHetzner(`rescue ${index}`, key)));
  await server.answers();
  await act("enable_rescue", { type: "linux64", ssh_keys: ids });
  await act("reset");
  hostKey = await scannedKey();
});
afterAll(() => reset({ folder }));

describe("a machine that was ordered elsewhere and booted into a rescue system", () => {
  test("is refused without the word for its disk, and keeps what is on it", async () => {
    expect(await inRescue(`hostname; echo kept >/run/lab/disk/debian/root/kept; ${showDisk}`)).toBe("rescue");
    await configure(metal());
    const { exitCode, output } = await update();
    expect(output).toMatch(
      /would wipe sda \(ata-LAB_1, 20 GB, .*\. The disk was not touched\. Next: .*erase to \[ata-LAB_1\]/,
    );
    expect(exitCode).not.toBe(0);
    expect(await inRescue("cat /run/lab/disk/debian/root/kept")).toBe("kept");
  });

  test("is installed from there with the word, and wiped for it", async () => {
    await configure(metal({ erase: ["ata-LAB_1"] }));
    const { exitCode, output } = await update();
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/phase kexec: boot the installer/);
    outputs = await engine.outputs();
    const session = await sessionWith(outputs, "metal");
    try {
      const { stdout } = await session.sh(
        "cat /etc/berth/install.json; ls /root; readlink -f /run/current-system",
        { deadline: 30_000 },
      );
      expect(stdout.trim().split("\n")).toEqual([
        JSON.stringify({ stack: "lab", host: "metal", server: existingMachineId(hostKey) }),
        outputs.hosts.metal?.release,
      ]);
    } finally {
      await session.close();
    }
  });

  test("is left alone by the next update, and its server by the end of the stack", async () => {
    const { exitCode, output } = await update();
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/Resources:\n +\d+ unchanged/);
    const destroyed = await engine.run(["destroy", "--yes", "--skip-preview"]);
    expect(destroyed.exitCode, destroyed.output).toBe(0);
    expect(await server.api("GET", `/servers/${server.id}`)).toMatchObject({ server: { status: "running" } });
  });
});
