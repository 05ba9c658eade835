import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostManifest } from "../../../config/manifest.ts";
import { type Lab, up } from "../../../lab/lab.ts";
import { builtSystem, diskoWith } from "../../e2e/installing.ts";
import { Host } from "../system/host.ts";
import { subjects } from "./subjects.ts";

/*
 * What a nixos-anywhere does to a machine of the lab: the same for the stand-in and for the real one, where BERTH_NIXOS_ANYWHERE
 * names it.
 */

let lab: Lab;
let web: HostManifest;
beforeAll(async () => {
  lab = await up();
  web = await builtSystem(lab);
});

describe.each(subjects)("$name", ({ command: [program, ...first], isStandIn }) => {
  let folder: string;
  let host: Host;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "machine-"));
    host = await Host.order(`contract-${isStandIn ? "stand-in" : "real"}-${process.pid}`, folder, lab);
  });
  afterAll(async () => {
    await host?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const install = (diskoScript: string, ...more: string[]) =>
    host.local(program, [
      ...[...first, "--store-paths", diskoScript, web.toplevel.out, "--kexec", web.kexecTarball?.out ?? ""],
      ...["--build-on", "local", "-i", host.login.file, ...more, "--target-host", `root@${host.address}`],
    ]);
  const runs = async () => (await host.run('. /etc/os-release; echo "$ID $VARIANT_ID"')).stdout.trim();

  test("a disk layout that fails ends it with its own code and words, and leaves the installer", async () => {
    const failing = await diskoWith(lab, web.diskoScript.out, ":", "echo no space left >&2; exit 3");
    const { exitCode, all } = await install(failing.out);
    expect([exitCode, all]).toEqual([3, expect.stringMatching(/### Formatting hard drive.*no space left$/s)]);
    expect(await runs()).toBe("nixos installer");
  });

  test("the phases that are left install it from there, with the host key that it had", async () => {
    const login = join(folder, "login-only");
    await cp(join(host.extraFiles, "root"), join(login, "root"), { recursive: true });
    const phases = ["--phases", "disko,install,reboot", "--copy-host-keys", "--extra-files", login];
    const { exitCode, all } = await install(web.diskoScript.out, ...phases);
    expect([exitCode, all]).toEqual([0, expect.stringMatching(/### Done! ###$/)]);
    expect(all).not.toContain("Switching system into kexec");
    await host.answers();
    expect(await runs()).toBe("nixos lab");
    expect((await host.run("readlink -f /run/current-system")).stdout).toBe(web.toplevel.out);
  });

  test("a second run wipes what is installed, and asks nothing", async () => {
    await host.run("touch /root/was-here");
    const { exitCode, all } = await install(web.diskoScript.out, "--extra-files", host.extraFiles);
    expect([exitCode, all]).toEqual([0, expect.stringMatching(/### Done! ###$/)]);
    host.expectLastingKey();
    await host.answers();
    expect((await host.run("ls /root; cat /etc/berth/install.json")).stdout).toBe('{"host":"test"}');
  });
});
