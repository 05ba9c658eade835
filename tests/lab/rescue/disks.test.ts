import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";

/** What a lab's rescue system cannot show, because containers have no block devices: disks found, told apart, and read. */
const here = import.meta.dirname;
const answer = z.object({
  sections: z.array(z.object({ name: z.string(), from: z.string(), text: z.string() })),
});

test("disks are mounted read-only and read, subvolumes too, locked ones named, and not a byte of them changes", async ({
  skip,
}) => {
  skip(process.getuid?.() !== 0, "loop devices are root's");
  const devices = await execa("sh", ["-c", "losetup --find && grep -q btrfs /proc/filesystems"], {
    reject: false,
  });
  skip(devices.exitCode !== 0, "loop devices and a kernel with btrfs are needed");
  const folder = await mkdtemp(join(tmpdir(), "berth-disks-"));
  try {
    const scripts = join(here, "../../../deployer/remote");
    const { stdout } = await execa("sh", [join(here, "disks.sh"), folder, scripts]);
    const [json = "", ...rest] = stdout.split("\n");
    const { sections } = answer.parse(JSON.parse(json));
    const text = (name: string) => sections.filter((one) => one.name === name).map((one) => one.text);

    const [disks = ""] = text("disks");
    expect(disks).toMatch(/: 16M, ext4, "ESP": at \/run\/berth-rescue\/mnt\/loop\d+\n/);
    expect(disks).toMatch(/: 160M, btrfs, "nixos": at \/run\/berth-rescue\/mnt\/loop\d+\n/);
    expect(disks).toMatch(
      /: 16M, crypto_LUKS: locked\. To look into it: cryptsetup open --readonly \/dev\/loop\d+ /,
    );
    expect(text("marker")).toEqual(['{"stack":"prod","host":"web1","server":"4711"}']);
    expect(text("verdicts"), "no control character of a disk reaches a terminal").toEqual([
      "rolled back [31mtwice",
    ]);
    expect(text("generations")).toHaveLength(1);
    expect(text("generations")[0]).toMatch(/system -> system-3-link\n.*system-3-link -> \/nix\/store\/new$/);
    expect(text("boot loader")).toEqual([
      "default nixos-generation-3.conf\nnixos-generation-3.conf: init=/nix/store/new/init quiet",
    ]);

    const mounts = rest.filter((line) => line.startsWith("/run/berth-rescue/mnt/"));
    expect(mounts).toHaveLength(2);
    for (const mount of mounts) expect(mount).toMatch(/ ro$/);
    expect(rest.at(-1)).toBe("not a byte changed");
  } finally {
    await rm(folder, { recursive: true });
  }
});
