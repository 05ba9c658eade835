import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostManifest } from "../../config/manifest.ts";
import type { InstallDocument } from "../../deployer/install/document.ts";
import { markerOf } from "../../deployer/install/progress.ts";
import { type Lab, reset, up } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { until } from "../lab/system/host.ts";
import { argumentsOf, TrapStack } from "./install-traps.ts";
import { builtSystem, diskoWith, kexecWith, LabServer, systemWith } from "./installing.ts";
import type { Variant } from "./traps/index.ts";

/** A lab of this file's own. */
const folder = join(checkout, ".lab-install");
let lab: Lab;
let web: HostManifest;
/** What was caused, what came of it, how long it took: printed at the end. */
const table: [fault: string, outcome: string, seconds: number][] = [];

beforeAll(async () => {
  await reset({ folder });
  lab = await up({ folder });
  Object.assign(process.env, lab.env);
  web = await builtSystem(lab);
});

afterAll(async () => {
  const rows = table.map(
    ([fault, outcome, seconds]) => `${seconds.toFixed(0).padStart(5)} s  ${fault}: ${outcome}`,
  );
  console.log(["what was caused, what came of it, and how long it took:", ...rows].join("\n"));
  await reset({ folder });
});

const order = async (name: string) => {
  const server = await LabServer.order(lab, web, name);
  await server.answers();
  return server;
};

/** One run of the deployer to its end; its time and first line of outcome go into the table. */
async function run(
  server: LabServer,
  fault: string,
  document: InstallDocument,
  env: Record<string, string> = {},
): Promise<{ exitCode: number | undefined; said: string }> {
  const started = Date.now();
  const { exitCode, all } = await server.start(document, env);
  note(fault, outcomeOf(all), started);
  return { exitCode, said: all };
}

const note = (fault: string, outcome: string, started: number) =>
  table.push([fault, outcome, (Date.now() - started) / 1000]);

function outcomeOf(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const failure = lines.find((line) => /^\S+ \([^)]*\): /.test(line));
  return (failure ?? lines.at(-1) ?? "nothing was said").trim().slice(0, 220);
}

/** Starts the deployer and kills it, as Pulumi does, when it says something. */
async function killAt(server: LabServer, said: string, document: InstallDocument): Promise<void> {
  const started = Date.now();
  const child = server.start(document);
  let output = "";
  child.all.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  let over = false;
  const ended = child.then(() => {
    over = true;
  });
  await until(`"${said}" of ${server.name}`, 120_000, async () => {
    if (over) throw new Error(`${server.name} was over before "${said}":\n${output}`);
    return output.includes(said) || undefined;
  });
  child.kill("SIGKILL");
  await ended;
  note(`deployer killed at "${said}"`, "gone, with its whole process group", started);
  // Its group ends by the pipe that closes; nothing of it may go on.
  await until("the end of its children", 15_000, async () => {
    const { stdout } = await execa("ps", ["-eo", "args"]);
    return stdout.includes(`berth-lab-${server.name}`) ? undefined : true;
  });
}

/** The host runs what the document says, as itself. */
async function expectInstalled(server: LabServer, document: InstallDocument): Promise<void> {
  expect(await server.sh("lasting", "readlink -f /run/current-system")).toBe(document.toplevel.out);
  expect(await server.sh("lasting", "cat /etc/berth/install.json")).toBe(JSON.stringify(markerOf(document)));
}

/** Phases that a run went through. */
const phasesOf = (said: string): string[] =>
  [...said.matchAll(/^ *[\d.]+ s {2}phase (\w+):/gm)].map(([, phase]) => phase ?? "");
const touched = (said: string) => phasesOf(said).length > 0;

/** A system and a disk layout that take long enough to be interrupted. */
async function slow(): Promise<Pick<InstallDocument, "diskoScript" | "toplevel" | "kexecTarball">> {
  const [diskoScript, toplevel, kexecTarball] = await Promise.all([
    diskoWith(lab, web.diskoScript.out, "sleep 5"),
    systemWith(lab, web.toplevel.out, "sleep 5"),
    kexecWith(lab, web.kexecTarball?.out ?? "", "sleep 4"),
  ]);
  return { diskoScript, toplevel, kexecTarball };
}

describe.concurrent("an installation survives", () => {
  test("every way in which the engine runs it again", async () => {
    const server = await order("trapped");
    const stack = new TrapStack(lab, server, "lab");
    await stack.init();
    const args = argumentsOf(server, web, lab);
    const base: Variant = { args };
    const started = Date.now();
    const first = await stack.up(base);
    expect(first.exitCode, first.output).toBe(0);
    expect(first.output).toMatch(/\d s {2}phase kexec: boot the installer/);
    note("pulumi up of a new server", "installed", started);
    await server.sh("lasting", "touch /root/was-here");
    const bootId = () => server.sh("lasting", "ls /root/was-here; cat /proc/sys/kernel/random/boot_id");
    const before = await bootId();

    const other = { drvPath: web.toplevel.drvPath, out: `${web.toplevel.out}x` };
    const addition = (inputs: Record<string, unknown>) => ({ ...base, inputs, withoutIgnoreChanges: true });
    type Row = [trap: string, variant: Variant, flags: string[], runs: number];
    const inert: Row[] = [
      ["an edited command string", { ...base, inputs: { create: "exit 1 # edited" } }, [], 0],
      ["the same, if nothing ignored it", addition({ create: "exit 1 # edited" }), [], 0],
      ["another working folder", addition({ dir: "/" }), [], 0],
      ["another environment", addition({ environment: { BERTH_NODE: "/another/node" } }), [], 0],
      ["other data on stdin", addition({ stdin: "another" }), [], 0],
      ["another interpreter", addition({ interpreter: ["/bin/sh", "-c"] }), [], 0],
      ["another way to log", addition({ logging: "none" }), [], 0],
      ["a plugin's default that is another one", addition({ addPreviousOutputInEnv: true }), [], 0],
      ["another system", { args: { ...args, manifest: { ...web, toplevel: other } } }, [], 0],
      ["another disk layout", { args: { ...args, manifest: { ...web, diskoScript: other } } }, [], 0],
      ["a rotated login key", { args: { ...args, loginKey: server.lasting.privateKey } }, [], 0],
      [
        "a rotated token",
        { args: { ...args, api: { token: "another", endpoint: "http://127.0.0.1:1" } } },
        [],
        0,
      ],
      ["another address", { args: { ...args, address: "203.0.113.9" } }, [], 0],
      ["another deadline", { args: { ...args, deadline: 300 } }, [], 0],
      ["a renamed component", { ...base, name: "renamed-installation" }, [], 1],
      ["named as before", base, [], 1],
    ];
    for (const [trap, variant, flags, runs] of inert) await expectUntouched(trap, variant, flags, runs);

    const urn = await stack.urn();
    await expectUntouched("--replace", base, ["--replace", urn], 1);
    await expectUntouched("--target-replace", base, ["--target-replace", urn], 1);
    expect((await stack.pulumi("state", "taint", urn, "--yes")).exitCode).toBe(0);
    await expectUntouched("state taint", base, [], 1);
    await expectUntouched("a refresh", base, ["--refresh"], 0);
    expect((await stack.pulumi("stack", "rm", "--force", "--yes", "--preserve-config")).exitCode).toBe(0);
    await stack.init();
    await expectUntouched("a lost state", base, [], 1);

    const second = new TrapStack(lab, server, "second");
    await second.init();
    const asked = Date.now();
    const refused = await second.up(base);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.output).toMatch(/it was installed as trapped of stack lab .*The disk was not touched/);
    note("a second stack on the host", "refused by name", asked);
    expect(await bootId()).toBe(before);

    await protectedFromReplacement();
    await failedAtItsVeryEnd();
    await Promise.all([stack.clean(), second.clean()]);

    async function expectUntouched(
      trap: string,
      variant: Variant,
      flags: string[],
      runs: number,
    ): Promise<void> {
      const began = Date.now();
      const ended = await stack.up(variant, ...flags);
      expect(ended.exitCode, `${trap}: ${ended.output}`).toBe(0);
      expect([trap, ended.runs]).toEqual([trap, runs]);
      expect([trap, await bootId()]).toEqual([trap, before]);
      note(trap, runs === 0 ? "not run" : "run, and found it installed", began);
    }

    async function protectedFromReplacement(): Promise<void> {
      const kept = { args: { ...args, protect: true } };
      await expectUntouched("protected", kept, [], 0);
      const ended = await stack.up(kept, "--replace", await stack.urn());
      expect([ended.exitCode === 0, ended.runs]).toEqual([false, 0]);
      await expectUntouched("protected no more", base, [], 0);
    }

    /** The reinstall is done and its verification fails, so that the engine has no record of it. */
    async function failedAtItsVeryEnd(): Promise<void> {
      const began = Date.now();
      const reinstall = { server: server.id, value: "once", snapshot: false };
      const wanted = { ...args, reinstall };
      const addresses = { ipv4: server.ipv4, ipv6: "2001:db8::1" };
      const failed = await stack.up({ args: { ...wanted, addresses } });
      expect(failed.exitCode).not.toBe(0);
      expect(failed.output).toMatch(/see that its network is up on .*it does not have 2001:db8::1/s);
      expect(failed.runs).toBe(1);
      const now = await server.sh("lasting", "ls /root; cat /proc/sys/kernel/random/boot_id");
      expect(now).not.toContain("was-here");
      note(
        "a reinstall whose create fails at its very end",
        "installed, and the engine does not know",
        began,
      );
      for (const again of [wanted, wanted, args]) {
        const ended = await stack.up({ args: again });
        expect(ended.exitCode, ended.output).toBe(0);
        expect(await server.sh("lasting", "ls /root; cat /proc/sys/kernel/random/boot_id")).toBe(now);
      }
      note("the retry, and the word taken away", "found it installed", began);
    }
  });

  test("a deployer that is killed in each phase and run again", async () => {
    const server = await order("killed");
    const document = server.document(await slow());
    await killAt(server, "Switching system into kexec", document);
    await killAt(server, "Formatting hard drive", document);
    await killAt(server, "Installing NixOS", document);
    await killAt(server, "Waiting for the machine to become unreachable", document);
    const { said, exitCode } = await run(server, "the run after these", document);
    expect(exitCode, said).toBe(0);
    expect(["", "reboot"], "the system was there already").toContain(phasesOf(said).join());
    await expectInstalled(server, document);
  });

  test("a connection that is cut in each phase", async () => {
    const server = await order("cut");
    const document = server.document(await slow());
    const cutAt = async (said: string, phase: string) => {
      const started = Date.now();
      const child = server.start(document);
      let output = "";
      child.all.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      await until(`"${said}" of cut`, 120_000, async () => output.includes(said) || undefined);
      await server
        .sh(
          "bootstrap",
          "systemd-run --quiet --on-active=0.3 --timer-property=AccuracySec=50ms pkill sshd-session",
        )
        .catch(() => "");
      const { exitCode, all } = await child;
      note(`connection cut in ${phase}`, outcomeOf(all), started);
      return { exitCode, all };
    };
    const kexec = await cutAt("Switching system into kexec", "kexec");
    // Cut off from its deployer, the host may boot the installer all the same; either way it goes on from what is there.
    if (kexec.exitCode !== 0) expect(kexec.all).toMatch(/phase kexec .*Next: .*run pulumi up again/s);
    const disko = await cutAt("Formatting hard drive", "disko");
    expect(disko.exitCode).toBe(1);
    expect(disko.all).toMatch(/cut \(.*\): install NixOS, phase disko .*It answers and runs the installer/s);
    const install = await cutAt("Installing NixOS", "install");
    expect(phasesOf(install.all)[0], install.all).toBe("disko");
    expect(install.exitCode).toBe(1);
    expect(install.all).toMatch(/phase install \(copy and install the system\)/);
    const { said, exitCode } = await run(server, "the run after these", document);
    expect(exitCode, said).toBe(0);
    expect(phasesOf(said), "the disk was laid out already").toEqual(["install", "reboot"]);
    await expectInstalled(server, document);
  });

  test("a disk layout that fails half-way, and a disk that fills up during the copy", async () => {
    const server = await order("disk");
    const failing = await diskoWith(
      lab,
      web.diskoScript.out,
      ":",
      "echo no space for the second partition >&2; exit 3",
    );
    const half = await run(server, "disko fails half-way", server.document({ diskoScript: failing }));
    expect(half.exitCode).toBe(1);
    expect(half.said).toMatch(
      /phase disko \(lay out the disk\), at "Formatting hard drive with disko": nixos-anywhere ended with 3\n.*no space for the second partition/s,
    );

    const tiny = await diskoWith(
      lab,
      web.diskoScript.out,
      ":",
      "mkdir -p /mnt/nix; mount -t tmpfs -o size=200k tmpfs /mnt/nix",
    );
    const full = await run(server, "full disk during the copy", server.document({ diskoScript: tiny }));
    expect(full.exitCode).toBe(1);
    expect(phasesOf(full.said)).toEqual(["disko", "install"]);
    expect(full.said).toMatch(/phase install .*No space left on device/is);

    await server.sh("bootstrap", "umount /mnt/nix");
    const document = server.document();
    const { said, exitCode } = await run(server, "the run after these, with a layout that fits", document);
    expect(exitCode, said).toBe(0);
    expect(phasesOf(said), "another layout begins anew").toEqual(["disko", "install", "reboot"]);
    await expectInstalled(server, document);
  });

  test("an installer that never comes back, or with another host key", async () => {
    const server = await order("lost");
    const tarball = web.kexecTarball?.out ?? "";
    const handover = "/run/lab/firmware/kexec";
    const gone = await kexecWith(
      lab,
      tarball,
      ":",
      `rm -rf ${handover}; nohup sh -c "sleep 1; poweroff -ff" >/dev/null 2>&1 </dev/null &`,
    );
    const { deadlines } = server.document();
    const never = await run(
      server,
      "target never comes back after kexec",
      server.document({ kexecTarball: gone, deadlines: { ...deadlines, kexec: 25 } }),
    );
    expect(never.exitCode).toBe(1);
    expect(never.said).toMatch(
      /phase kexec \(boot the installer\).*no end within 25 s\n.*It does not answer\. Next: /s,
    );

    await server.api("POST", `/servers/${server.id}/actions/poweron`);
    await server.answers();
    const stranger = await kexecWith(
      lab,
      tarball,
      ":",
      `rm ${handover}/root/etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f ${handover}/root/etc/ssh/ssh_host_ed25519_key`,
    );
    const other = await run(
      server,
      "target comes back with another key",
      server.document({ kexecTarball: stranger }),
    );
    expect(other.exitCode).toBe(1);
    expect(other.said).toMatch(
      /host key verification failed: another host key than the one it was begun with answers/,
    );
    expect(other.said).toMatch(/What answers at its address has another host key/);

    await server.api("POST", `/servers/${server.id}/actions/reset`);
    await server.answers();
    const document = server.document();
    const { said, exitCode } = await run(server, "the run after these", document);
    expect(exitCode, said).toBe(0);
    expect(phasesOf(said)).toEqual(["kexec", "disko", "install", "reboot"]);
    await expectInstalled(server, document);
  });

  test("what is refused before anything is touched, login keys that cannot be written, and two deployers at once", async () => {
    const server = await order("refused");
    const bootId = () => server.sh("bootstrap", "cat /proc/sys/kernel/random/boot_id");
    const before = await bootId();
    const refused = async (fault: string, document: InstallDocument, message: RegExp) => {
      const { exitCode, said } = await run(server, fault, document);
      expect(said).toMatch(message);
      expect(exitCode).toBe(1);
      expect(touched(said)).toBe(false);
      expect(await bootId()).toBe(before);
    };
    const requires = { disk: 40, memory: 4 };

    await server.sh(
      "bootstrap",
      "printf 'MemTotal: 1000000 kB\\n' >/run/meminfo; mount --bind /run/meminfo /proc/meminfo",
    );
    await refused(
      "memory too small",
      server.document({ requires }),
      /it has 1\.0 GB of memory, and the flake's system requires 4 GB\. The disk was not touched\. Next: order a larger/,
    );
    await refused(
      "memory too small to boot the installer",
      server.document(),
      /it has 1\.0 GB of memory, and the installer, which runs in memory, needs 1\.5 GB/,
    );
    await server.sh(
      "bootstrap",
      `umount /proc/meminfo
       mkdir -p /run/block/sda; echo 39062500 >/run/block/sda/size; mount --bind /run/block /sys/block; mknod /dev/sda b 7 250`,
    );
    await refused(
      "disk too small",
      server.document({ requires }),
      /the flake's system requires a disk of 40 GB, and the layout has sda \(20 GB, /,
    );
    await server.sh("bootstrap", "mkdir -p /dev/disk/by-id; ln -s ../../sda /dev/disk/by-id/ata-LAB_1");
    await refused(
      "a machine that was ordered elsewhere, without the word",
      server.document({ ordered: false }),
      /this stack has not ordered it, and the installation would wipe sda \(ata-LAB_1, 20 GB, .*\. The disk was not touched\. Next: if nothing on it is needed any more, set berth:hosts\.refused\.existing\.erase to \[ata-LAB_1\]/,
    );
    await server.sh("bootstrap", "ln -s ../../sda /dev/disk/by-id/scsi-0HC_Volume_17");
    await refused(
      "disk is a volume",
      server.document(),
      /the disk layout names \/dev\/sda, which is a volume there: sda \(ata-LAB_1, 20 GB/,
    );
    await server.sh("bootstrap", "rm /dev/disk/by-id/* /dev/sda; umount /sys/block");
    await refused(
      "another architecture",
      server.document({ system: "aarch64-linux" }),
      /it is a x86_64 machine, and the flake's system is for aarch64-linux/,
    );
    const others = server.lasting.publicKey.replace(/AAAAI./, "AAAAIX");
    await refused(
      "server replaced under the same address",
      server.document({
        bootstrapHostKey: others,
        lastingHostKey: { publicKey: others, privateKey: server.lasting.privateKey },
      }),
      /host key verification failed: it answers with another key than this stack's/,
    );

    await server.sh("bootstrap", "mount --bind /root/.ssh /root/.ssh; mount -o remount,bind,ro /root/.ssh");
    const agent = await execa("ssh-agent", ["-s"]);
    const socket = /SSH_AUTH_SOCK=([^;]+)/.exec(agent.stdout)?.[1] ?? "";
    const pid = /SSH_AGENT_PID=(\d+)/.exec(agent.stdout)?.[1] ?? "";
    try {
      await execa("ssh-add", ["-q", server.login.file], { env: { SSH_AUTH_SOCK: socket } });
      const { loginKey: _, ...target } = server.document().target;
      const { deadlines } = server.document();
      const unwritable = await run(
        server,
        "read-only authorized_keys, with the agent's key",
        server.document({ target, deadlines: { ...deadlines, kexec: 15 } }),
        { SSH_AUTH_SOCK: socket },
      );
      expect(unwritable.exitCode).toBe(1);
      expect(unwritable.said).toMatch(
        /at "Uploading install SSH keys": no end within 15 s\n.*It answers and runs debian/s,
      );
      expect(await bootId()).toBe(before);
    } finally {
      process.kill(Number(pid));
    }

    // With the stack's own key none has to be written; and while this one is at work another is told.
    const document = server.document(await slow());
    const started = Date.now();
    const first = server.start(document);
    let output = "";
    first.all.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    await until(
      "the first deployer's disko",
      120_000,
      async () => output.includes("Formatting hard drive") || undefined,
    );
    const second = await run(server, "two deployers at once, the second", document);
    expect(second.exitCode).toBe(1);
    expect(second.said).toMatch(
      /hold the host for this installation: another installation is at work on it: \S+@\S+ \(stack lab, process \d+, since .*\)\. Nothing was changed by this one\./,
    );
    const { exitCode, all } = await first;
    note(
      "two deployers at once, the first (read-only authorized_keys, with the stack's key)",
      outcomeOf(all),
      started,
    );
    expect(exitCode, all).toBe(0);
    await expectInstalled(server, document);
  });

  test("a wanted reinstall: with a snapshot and without the volume, killed in its middle, and once", async () => {
    const server = await order("again");
    const plain = server.document();
    expect((await run(server, "an installation without a fault", plain)).exitCode).toBe(0);
    const { volume } = (await server.api("POST", "/volumes", {
      ...{ name: "again-data", size: 10, server: Number(server.id), automount: false },
    })) as { volume: { id: number } };
    await server.sh(
      "lasting",
      "until ls /dev/disk/by-id/scsi-0HC_Volume_*; do sleep 0.5; done; touch /root/was-here",
    );
    const reinstall = { server: server.id, value: "new layout", snapshot: true };
    const document = server.document({ ...(await slow()), reinstall });

    await killAt(server, "Formatting hard drive", document);
    const { said, exitCode } = await run(server, "a wanted reinstall that was killed, run again", document);
    expect(exitCode, said).toBe(0);
    expect(phasesOf(said)).toEqual(["disko", "install", "reboot"]);
    expect(said).toMatch(/attached again: volume again-data/);
    await expectInstalled(server, document);
    expect(JSON.parse(await server.sh("lasting", "cat /etc/berth/install.json")).reinstall).toBe(
      "new layout",
    );
    expect(await server.sh("lasting", "ls /root")).not.toContain("was-here");
    expect(await server.sh("lasting", "cat /root/.ssh/authorized_keys")).not.toContain("berth-reinstall");
    const after = (await server.api("GET", `/volumes/${volume.id}`)) as {
      volume: { server: number; labels: object };
    };
    expect(after.volume).toMatchObject({ server: Number(server.id), labels: {} });

    const bootId = await server.sh("lasting", "cat /proc/sys/kernel/random/boot_id");
    for (const [what, again] of [
      ["the same word once more", document],
      ["the word taken away", server.document()],
      [
        "the word for another server",
        server.document({ reinstall: { ...reinstall, server: "1", value: "x" } }),
      ],
    ] as const) {
      const ended = await run(server, what, again);
      expect(ended.said).toContain("installed already; nothing to do");
      expect(ended.exitCode).toBe(0);
    }
    expect(await server.sh("lasting", "cat /proc/sys/kernel/random/boot_id")).toBe(bootId);

    const { images } = (await server.api("GET", "/images?type=snapshot")) as { images: { id: number }[] };
    expect(images, "one snapshot, though it was begun twice").toHaveLength(1);
    await restored(server, images[0]?.id ?? 0);
  });

  /** A new server from the snapshot of an installed one is taken over by the word alone. */
  async function restored(former: LabServer, image: number): Promise<void> {
    const server = await LabServer.order(lab, web, "restored", { order: { image }, former });
    await server.answers("lasting");
    const refused = await run(
      server,
      "a restored snapshot on a new server, without the word",
      server.document(),
    );
    expect(refused.said).toMatch(
      new RegExp(`if this is that server's restored snapshot, set berth:hosts.again.adopt to "${former.id}"`),
    );
    expect(refused.exitCode).toBe(1);
    const taken = await run(server, "the same with the word", server.document({ adopt: former.id }));
    expect(taken.exitCode, taken.said).toBe(0);
    expect(await server.sh("lasting", "cat /etc/berth/install.json; ls /root/was-here")).toContain(
      `{"stack":"lab","host":"again","server":"${server.id}"}`,
    );
    const next = await run(server, "and without it ever after", server.document());
    expect(next.said).toContain("installed already; nothing to do");
  }

  test("a way in by a user who may sudo, a jump host, IPv6 and another port", async () => {
    const [gate, server] = await Promise.all([order("gate"), order("far")]);
    await gate.sh(
      "bootstrap",
      `echo '${server.login.publicKey}' >>/root/.ssh/authorized_keys
       systemd-run --quiet --unit=forward --socket-property=ListenStream='[::]:2222' /lib/systemd/systemd-socket-proxyd ${server.ipv4}:22`,
    );
    await server.sh(
      "bootstrap",
      `useradd --create-home --shell /bin/sh admin
       install -d -o admin -m 700 /home/admin/.ssh
       install -o admin -m 600 /root/.ssh/authorized_keys /home/admin/.ssh/authorized_keys
       rm /root/.ssh/authorized_keys
       if ! command -v sudo; then
         install -m 4755 /usr/bin/setpriv /usr/local/bin/setpriv-root
         printf '%s\\n' '#!/bin/sh' '[ "$1" != -n ] || shift' 'SUDO_USER=$(id -un); export SUDO_USER' \\
           'exec /usr/local/bin/setpriv-root --reuid=0 --regid=0 --init-groups "$@"' >/usr/local/bin/sudo
         chmod 755 /usr/local/bin/sudo
       fi`,
    );
    const { loginKey } = server.document().target;
    const document = server.document({
      substitutes: false,
      target: {
        ...{ stack: "lab", host: "far", address: gate.ipv6, port: 2222, user: "admin" },
        ...(loginKey === undefined ? {} : { loginKey }),
        jump: { address: gate.ipv4, port: 22, user: "root", hostKey: gate.bootstrap.publicKey },
      },
    });
    const stranger = await run(server, "a jump host with another key", {
      ...document,
      ...{
        target: { ...document.target, jump: { ...gateOf(document), hostKey: server.lasting.publicKey } },
        deadline: 8,
      },
    });
    expect(stranger.exitCode).toBe(1);
    expect(touched(stranger.said)).toBe(false);
    const { said, exitCode } = await run(server, "sudo, jump host, IPv6, port 2222, no caches", document);
    expect(exitCode, said).toBe(0);
    expect(phasesOf(said)).toEqual(["kexec", "disko", "install", "reboot"]);
    await expectInstalled(server, document);
  });
});

function gateOf({ target: { jump } }: InstallDocument): NonNullable<InstallDocument["target"]["jump"]> {
  if (!jump) throw new Error("the document has no jump host");
  return jump;
}
