import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const script = new URL("../../../../deployer/remote/boot-entry.sh", import.meta.url).pathname;
const ask = (...words: string[]) =>
  execFileSync("sh", ["-c", `. ${script}; "$@" || true`, "sh", ...words], { encoding: "utf8" }).trim();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-boot-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const system = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-web-26.05`;

describe("the entry of systemd-boot", () => {
  beforeAll(() => {
    const entries = join(folder, "loader/entries");
    mkdirSync(entries, { recursive: true });
    const entry = (name: string, init: string, rest = "") =>
      writeFileSync(
        join(entries, name),
        `title NixOS\nversion ${name}\nlinux /EFI/nixos/k.efi\noptions init=${init}/init${rest}\n`,
      );
    entry("nixos-generation-9.conf", system("a"), " loglevel=4 panic=30");
    entry("nixos-generation-10.conf", system("b"));
    entry("nixos-generation-11.conf", system("a"), " loglevel=4");
    entry("nixos-generation-11-specialisation-quiet.conf", `${system("a")}/specialisation/quiet`);
    entry("nixos-0123abcd.conf", system("c"));
  });

  test.each([
    ["of two generations of one system is the newer", system("a"), "nixos-generation-11.conf"],
    ["has its init at the end of its options, too", system("b"), "nixos-generation-10.conf"],
    ["may be named by a hash", system("c"), "nixos-0123abcd.conf"],
    ["of another system is none", system("d"), ""],
    ["of a path that is the beginning of another is none", system("a").slice(0, -1), ""],
  ])("%s", (_, toplevel, entry) => {
    expect(ask("entry_of_systemd_boot", folder, toplevel)).toBe(entry);
  });
});

describe("the entry of GRUB", () => {
  // As NixOS writes it.
  const entry = (title: string, init: string) =>
    `menuentry "${title}" --class nixos --unrestricted {\nsearch --set=drive1 --fs-uuid 12-34\n  linux ($drive1)//kernels/k-bzImage init=${init}/init loglevel=4 panic=30\n  initrd ($drive1)//kernels/i-initrd\n}\n\n`;
  const configuration = `
function savedefault {
    if [ -z "\${boot_once}" ]; then
    saved_entry="\${chosen}"
    fi
}
if [ "\${next_entry}" ]; then
  set default="\${next_entry}"
fi
${entry("NixOS - Default", system("a"))}
submenu "NixOS - All configurations" --class submenu {
submenu "NixOS - Configuration 7 (2026-11-20 - 26.05)" --class submenu {
${entry("NixOS - Configuration 7 - Default (2026-11-20 - 26.05)", system("c"))}
${entry("NixOS - Configuration 7 - (quiet - 2026-11-20 - 26.05)", `${system("c")}/specialisation/quiet`)}
}
${entry("NixOS - Configuration 6 (2026-11-19 - 26.05)", system("b"))}
${entry("NixOS - Configuration 5 (2026-11-18 - 26.05)", system("a"))}
}
`;
  beforeAll(() => writeFileSync(join(folder, "grub.cfg"), configuration));

  test.each([
    [
      "stands in the menu of all",
      system("b"),
      "NixOS - All configurations>NixOS - Configuration 6 (2026-11-19 - 26.05)",
    ],
    [
      "is not the default, though that is the same system",
      system("a"),
      "NixOS - All configurations>NixOS - Configuration 5 (2026-11-18 - 26.05)",
    ],
    [
      "with specialisations is its own, in a menu below",
      system("c"),
      "NixOS - All configurations>NixOS - Configuration 7 (2026-11-20 - 26.05)>NixOS - Configuration 7 - Default (2026-11-20 - 26.05)",
    ],
    ["of another system is none", system("d"), ""],
  ])("%s", (_, toplevel, titles) => {
    expect(ask("entry_of_grub", join(folder, "grub.cfg"), toplevel)).toBe(titles);
  });

  test("is none where there is no GRUB", () => {
    expect(ask("entry_of_grub", join(folder, "absent.cfg"), system("a"))).toBe("");
  });

  test.each([
    ["a plain partition", "/dev/sda1 vfat", true],
    ["a plain partition of ext4", "/dev/nvme0n1p2 ext4", true],
    ["LVM", "/dev/mapper/vg-root ext4", false],
    ["a RAID of Linux'", "/dev/md127 ext4", false],
    ["btrfs", "/dev/sda2 btrfs", false],
    ["ZFS", "rpool/boot zfs", false],
  ])("is asked for once just where GRUB can forget that it was: %s", (_, place, can) => {
    mkdirSync(join(folder, "grub"), { recursive: true });
    writeFileSync(join(folder, "grub/grub.cfg"), configuration);
    const moved = readFileSync(script, "utf8").replaceAll("/boot/grub", `${folder}/grub`);
    const played = `df() { printf 'Filesystem Type\\n${place}\\n'; }\ngrub-editenv() { echo "grub-editenv $*"; }`;
    // A machine of systemd-boot's may run this.
    const text = `${moved.replace("for esp in /boot /efi /boot/efi", "for esp in /nowhere")}\n${played}\nboot_once ${system("b")} 2>&1`;
    const said = execFileSync("bash", ["-c", `${text} || true`], { encoding: "utf8" });
    if (can) expect(said).toContain(`grubenv set next_entry=NixOS - All configurations>`);
    else expect(said).toMatch(/^GRUB cannot write to .*, so it would start/);
  });
});
