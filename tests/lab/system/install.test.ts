import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HostManifest, manifest } from "../../../config/manifest.ts";
import { type Lab, up } from "../../../lab/lab.ts";
import { cacheFolder, checkout, node24 } from "../../../lab/setup/places.mjs";
import { type LaidOutFlake, layOutFlake } from "../../../lab/system/layout.ts";
import { Host, until } from "./host.ts";
import { probeDuring } from "./probe.ts";

let folder: string;
let lab: Lab;
let flake: LaidOutFlake;
let host: Host;
let first: Release;

interface Release extends HostManifest {
  /** The app's store path, which `/healthz` tells. */
  site: string;
}

/** A flake of this file's own: its app is changed. */
const layOut = (refreshSite: boolean) =>
  layOutFlake({ lab: folder, cache: cacheFolder(), node: dirname(node24), refreshSite });

/** Evaluates and builds what the flake's app is now. */
async function build(): Promise<Release> {
  const evaluated = await host.local("nix", ["eval", "--json", `${flake.reference}#berth.hosts`]);
  const { web } = manifest.parse(JSON.parse(evaluated.stdout));
  if (web?.kexecTarball == null) throw new Error("the closed-world flake has no host web with an installer");
  const built = [web.toplevel, web.diskoScript, web.kexecTarball].map(({ drvPath }) => `${drvPath}^out`);
  const result = await host.local("nix", ["build", "--no-link", ...built]);
  if (result.exitCode !== 0) throw new Error(result.all);
  return { ...web, site: web.health[0]?.body ?? "" };
}

/** A release whose page greets with these words. */
async function release(words: string): Promise<Release> {
  await writeFile(
    join(flake.site, "src/lib/greeting.ts"),
    `export const greeting = ${JSON.stringify(words)};\n`,
  );
  return build();
}

async function install(...more: string[]) {
  const { toplevel, diskoScript, kexecTarball } = first;
  const paths = ["--store-paths", diskoScript.out, toplevel.out, "--kexec", kexecTarball?.out ?? ""];
  const rest = [
    "--build-on",
    "local",
    "-i",
    host.login.file,
    ...more,
    "--target-host",
    `root@${host.address}`,
  ];
  return host.local(join(checkout, "lab/stand-ins/nixos-anywhere"), [...paths, ...rest]);
}

async function healthOf(): Promise<string | undefined> {
  const answer = await fetch(`http://${host.address}/healthz`, { signal: AbortSignal.timeout(10_000) }).catch(
    () => null,
  );
  return answer?.ok ? ((await answer.json()) as { release: string }).release : undefined;
}

const profile = "/nix/var/nix/profiles/system";
const current = async () => (await host.run("readlink /run/current-system")).stdout;
const bootId = async () => (await host.run("cat /proc/sys/kernel/random/boot_id")).stdout;
const bootDefault = async () =>
  /^default (.*)$/m.exec((await host.run("cat /boot/loader/loader.conf")).stdout)?.[1];
const activate = (system: Release, action: string) =>
  host.run(`${system.toplevel.out}/bin/switch-to-configuration ${action}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-system-"));
  lab = await up();
  flake = await layOut(true);
  host = await Host.order(`system-${process.pid}`, folder, lab);
  first = await build();
});
afterAll(async () => {
  await host?.remove();
  if (flake) await layOut(true);
  await rm(folder, { recursive: true, force: true });
});

describe("the closed-world system on a lab host", () => {
  test("nixos-anywhere's stand-in installs it over connections that believe the bootstrap key alone", async () => {
    const { exitCode, all } = await install("--extra-files", host.extraFiles);
    expect(all.split("\n")[0]).toMatch(/stand-in/);
    expect(all).toMatch(/### Done! ###$/);
    expect(exitCode).toBe(0);
    host.expectLastingKey();
    await host.answers();
  });

  test("it is NixOS with the lasting host key, the login key and the marker, and it is all up", async () => {
    expect((await host.run("systemctl is-system-running --wait")).stdout).toBe("running");
    expect((await host.run(". /etc/os-release; echo $ID")).stdout).toBe("nixos");
    expect((await host.run("cat /etc/berth/install.json")).stdout).toBe('{"host":"test"}');
    expect(await current()).toBe(first.toplevel.out);
    expect((await host.run("hostname")).stdout).toBe(`system-${process.pid}`);
  });

  test("the app answers through nginx and tells its store path", async () => {
    expect(await healthOf()).toBe(first.site);
  });

  test("only root reaches the cloud's metadata", async () => {
    const ask =
      "curl --silent --output /dev/null --max-time 3 http://169.254.169.254/hetzner/v1/metadata/hostname";
    expect((await host.run(ask)).code).toBe(0);
    const asNobody = await host.run(`setpriv --reuid=65534 --clear-groups ${ask}`);
    expect(asNobody.code).not.toBe(0);
  });

  test("a new release is switched to without a failed request, and is the boot default only once it is made so", async () => {
    const second = await release("Second.");
    await host.copy(second.toplevel.out);
    const [trial, seen] = await probeDuring(host.address, () => activate(second, "test"));
    expect(trial).toMatchObject({ code: 0 });
    expect(seen.failures).toEqual([]);
    expect(seen.releases).toEqual([first.site, second.site]);
    expect(await bootDefault()).toBe("nixos-generation-1.conf");

    await host.run(`nix-env --profile ${profile} --set ${second.toplevel.out}`);
    const [made, after] = await probeDuring(host.address, () => activate(second, "switch"));
    expect(made).toMatchObject({ code: 0 });
    expect(after.failures).toEqual([]);
    expect(await bootDefault()).toBe("nixos-generation-2.conf");
  });

  test("a release that cannot start ends the switch with 4, and the old one comes back without a failed request", async () => {
    const old = (await current()) ?? "";
    const hooks = join(flake.site, "src/hooks.server.ts");
    await writeFile(hooks, 'throw new Error("not today");\n');
    const broken = await build();
    await rm(hooks);
    await host.copy(broken.toplevel.out);
    const [codes, seen] = await probeDuring(host.address, async () => {
      const trial = await activate(broken, "test");
      const back = await host.run(`${old}/bin/switch-to-configuration test`);
      return [trial, back];
    });
    expect(codes.map(({ code }) => code)).toEqual([4, 0]);
    expect(codes[0]?.all).toMatch(/Failed to reload site\.service/);
    expect(seen.failures).toEqual([]);
    expect(seen.releases).not.toContain(broken.site);
    expect((await host.run("systemctl is-system-running")).stdout).toBe("running");
  });

  test("a switch that finds another one at work does nothing and ends with 11", async () => {
    const before = await current();
    const lock = "/run/nixos/switch-to-configuration.lock";
    const attempt = `flock ${lock} ${first.toplevel.out}/bin/switch-to-configuration test`;
    const { code, all } = await host.run(attempt);
    expect([code, all]).toEqual([11, expect.stringMatching(/another switch-to-configuration/)]);
    expect(await current()).toBe(before);
  });

  test("a reboot comes back on the boot default, not on what was tried", async () => {
    expect(await activate(first, "test")).toMatchObject({ code: 0 });
    expect(await current()).toBe(first.toplevel.out);
    const boot = await bootId();
    await host.run("reboot");
    const second = await until("another release after the reboot", 120_000, async () => {
      const answer = await healthOf();
      return answer === first.site ? undefined : answer;
    });
    expect(second).not.toBe(first.site);
    await host.answers();
    expect(await bootId()).not.toBe(boot);
    expect((await host.run(`readlink ${profile}`)).stdout).toBe("system-2-link");
    expect(await current()).toBe((await host.run(`readlink -f ${profile}`)).stdout);
  });

  test("a rollback of the profile is the boot default after its switch", async () => {
    await host.run(`nix-env --profile ${profile} --rollback`);
    expect(await activate(first, "switch")).toMatchObject({ code: 0 });
    expect(await bootDefault()).toBe("nixos-generation-1.conf");
    expect(await healthOf()).toBe(first.site);
  });

  test("a system that is no generation cannot become the boot default", async () => {
    const stray = await release("Stray.");
    await host.copy(stray.toplevel.out);
    const { code, all } = await activate(stray, "boot");
    expect([code, all]).toEqual([1, expect.stringMatching(/Next: nix-env --profile/)]);
    expect(await bootDefault()).toBe("nixos-generation-1.conf");
  });

  test("installed again without a question, it does without keys and marker of its own", async () => {
    const { exitCode, all } = await install();
    expect([exitCode, all]).toEqual([0, expect.stringMatching(/### Done! ###$/)]);
    await until("the reinstalled system to answer HTTP", 120_000, healthOf);
    expect(await healthOf()).toBe(first.site);
  });
});
