import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { output } from "./nix.ts";

/** Texts of systemd units by their names, templates among them. */
export type Units = Readonly<Record<string, string>>;

/** Keys of units that are newer than the systemd at hand may be: they are no fault of the unit. */
const newer = /Unknown key(?: name)? '(?:PrivateBPF|RestartSteps|RestartMaxDelaySec)'/;

/** A template is looked at through an instance of it. */
const instance = (name: string) => name.replace("@.", "@a.");

/** Puts units where systemd-analyze reads them, for as long as `use` takes. */
async function inFolder<T>(units: Units, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "berth-units-"));
  try {
    // Nothing is built, so the programs are not there to be found.
    for (const [name, content] of Object.entries(units))
      await writeFile(join(folder, name), content.replaceAll(/^(Exec[A-Za-z]+)=.*$/gm, "$1=/bin/sh"));
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What `systemd-analyze verify` has against these units: lines, none where they are sound. */
export function complaintsAbout(units: Units): Promise<string[]> {
  return inFolder(units, async (folder) => {
    const files = Object.keys(units).map((name) => join(folder, instance(name)));
    const verified = await execa("systemd-analyze", ["verify", "--man=no", ...files], {
      reject: false,
      timeout: 120_000,
      env: { SYSTEMD_UNIT_PATH: `${folder}:` },
    });
    return verified.stderr.split("\n").filter((line) => line !== "" && !newer.test(line));
  });
}

/** How exposed a unit is by `systemd-analyze security`, from 0 to 10. */
export function exposureOf(units: Units, name: string): Promise<number> {
  return inFolder(units, async (folder) => {
    const said = await output("systemd-analyze", ["security", "--offline=true", join(folder, name)]);
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(said) ?? [];
    if (exposure === undefined) throw new Error(`systemd-analyze security says nothing of ${name}: ${said}`);
    return Number(exposure);
  });
}
