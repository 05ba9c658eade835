import { expect } from "vitest";
import type { InstallDocument } from "../../../deployer/install/document.ts";
import { type InstallWorld, touched } from "./world.ts";

/** What is refused before anything is touched. */
export async function refused(world: InstallWorld): Promise<void> {
  const server = await world.order("refused");
  const bootId = () => server.sh("bootstrap", "cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  const expectRefused = async (fault: string, document: InstallDocument, message: RegExp) => {
    const { exitCode, said } = await world.run(server, fault, document);
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
  await expectRefused(
    "memory too small",
    server.document({ requires }),
    /it has 1\.0 GB of memory, and the flake's system requires 4 GB\. The disk was not touched\. Next: order a larger/,
  );
  await expectRefused(
    "memory too small to boot the installer",
    server.document(),
    /it has 1\.0 GB of memory, and the installer, which runs in memory, needs 1\.5 GB/,
  );
  await server.sh(
    "bootstrap",
    `umount /proc/meminfo
     mkdir -p /run/block/sda; echo 39062500 >/run/block/sda/size; mount --bind /run/block /sys/block; mknod /dev/sda b 7 250`,
  );
  await expectRefused(
    "disk too small",
    server.document({ requires }),
    /the flake's system requires a disk of 40 GB, and the layout has sda \(20 GB, /,
  );
  await server.sh("bootstrap", "mkdir -p /dev/disk/by-id; ln -s ../../sda /dev/disk/by-id/ata-LAB_1");
  await expectRefused(
    "a machine that was ordered elsewhere, without the word",
    server.document({ ordered: false }),
    /this stack has not ordered it, and the installation would wipe sda \(ata-LAB_1, 20 GB, .*\. The disk was not touched\. Next: if nothing on it is needed any more, set berth:hosts\.refused\.existing\.erase to \[ata-LAB_1\]/,
  );
  await server.sh("bootstrap", "ln -s ../../sda /dev/disk/by-id/scsi-0HC_Volume_17");
  await expectRefused(
    "disk is a volume",
    server.document(),
    /the disk layout names \/dev\/sda, which is a volume there: sda \(ata-LAB_1, 20 GB/,
  );
  await server.sh("bootstrap", "rm /dev/disk/by-id/* /dev/sda; umount /sys/block");
  await expectRefused(
    "another architecture",
    server.document({ system: "aarch64-linux" }),
    /it is a x86_64 machine, and the flake's system is for aarch64-linux/,
  );
  const others = server.lasting.publicKey.replace(/AAAAI./, "AAAAIX");
  await expectRefused(
    "neither of its two keys",
    server.document({
      bootstrapHostKey: others,
      lastingHostKey: { publicKey: others, privateKey: server.lasting.privateKey },
    }),
    /host key verification failed: it answers with another key than this stack's/,
  );

  // sshd is told to bar who fails to log in, as it does outside of the lab, and not to for the tests' own looks afterwards.
  await server.sh(
    "bootstrap",
    `cp /etc/ssh/sshd_config.d/10-berth.conf /run/lenient
     sed -i '/^PerSourcePenaltyExemptList/d' /etc/ssh/sshd_config.d/10-berth.conf
     systemctl restart ssh
     systemd-run --quiet --on-active=45 sh -c 'cp /run/lenient /etc/ssh/sshd_config.d/10-berth.conf; systemctl restart ssh'`,
  );
  const knowsNone = server.document({ ordered: false });
  const shutOut = await world.run(server, "a machine that knows no key of the stack", {
    ...knowsNone,
    target: { ...knowsNone.target, loginKey: server.lasting.privateKey },
  });
  expect(shutOut.said).toMatch(
    /it shows the right host key, and does not let us in: \S+: Permission denied \(publickey\)\. Nothing was done to it\. Next: this stack logs in with a key of its own; add this line/,
  );
  expect(shutOut.exitCode).toBe(1);
  await server.answers();
  expect(await bootId()).toBe(before);
}
