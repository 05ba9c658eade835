import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Release, release } from "../../deployer/release/release.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type OneHost, oneHost } from "./one-host.ts";
import { type Variant, variantOf } from "./variant.ts";

let host: OneHost;
/** The system that the host booted last and runs. */
let good: string;
beforeAll(async () => {
  host = await oneHost(join(checkout, ".lab-e2e-reboot"));
  good = host.good;
});
afterAll(() => host?.down());

const site = () => [{ http: `http://${host.outputs.hosts.web1?.address}/healthz` }];
/** A release of `good` with differences, and with nothing that takes long. */
const wanted = async (variant: Variant, more: Partial<Release> = {}): Promise<Release> => ({
  ...(await variantOf(good, variant)),
  system: "x86_64-linux",
  health: site(),
  healthDeadline: 20,
  bootDeadline: 60,
  owner: "test",
  ...more,
});
const said: string[] = [];
const deploy = (one: Release) => {
  said.length = 0;
  return release(host.session, one, { status: (line) => said.push(line), warn: (line) => said.push(line) });
};
/** What a host runs, has booted and will boot. */
const stands = async () => {
  const { current, booted, profile, bootId } = await host.look();
  const [entry = ""] = /default (\S+)/.exec(await host.on("cat /boot/loader/loader.conf"))?.slice(1) ?? [];
  const options = await host.on(`cat /boot/loader/entries/${entry}`);
  return { current, booted, profile, next: /init=(\S+)\/init/.exec(options)?.[1], bootId };
};
const nothingLeft = async () =>
  expect(await host.on("ls /var/lib/berth | grep boot-; ls /run/lab/firmware | grep oneshot || true")).toBe(
    "",
  );

describe("a release with another kernel", () => {
  test("is switched to; that a reboot is due is what it returns, and nothing reboots", async () => {
    const before = await host.look();
    const one = await wanted({ kernel: "one" });
    expect(await deploy(one)).toEqual({ toplevel: one.toplevel, previous: good, rebootDue: ["kernel"] });
    const after = await host.look();
    expect(after).toMatchObject({ current: one.toplevel, booted: good, pendingReboot: ["kernel"] });
    expect(after.bootId).toBe(before.bootId);
  });

  test("is booted by a later update that may, and is the boot default only then", async () => {
    const one = await wanted({ kernel: "one" }, { reboot: true });
    const before = await host.look();
    expect(await deploy(one)).toMatchObject({
      toplevel: one.toplevel,
      previous: one.toplevel,
      rebootDue: [],
    });
    const { bootId, ...rest } = await stands();
    expect(rest).toEqual({
      current: one.toplevel,
      booted: one.toplevel,
      profile: one.toplevel,
      next: one.toplevel,
    });
    expect(bootId).not.toBe(before.bootId);
    expect(said).toContain("rebooting on trial (kernel)");
    await nothingLeft();
    good = one.toplevel;
  });

  test("is switched to and booted in one update where that may be", async () => {
    const two = await wanted({ kernel: "two" }, { reboot: true });
    expect(await deploy(two)).toEqual({ toplevel: two.toplevel, previous: good, rebootDue: [] });
    expect(await stands()).toMatchObject({ current: two.toplevel, booted: two.toplevel, next: two.toplevel });
    good = two.toplevel;
  });
});

describe("a boot that does not end well", () => {
  const returned = async () => {
    const { bootId: _, ...rest } = await stands();
    expect(rest).toEqual({ current: good, booted: good, profile: good, next: good });
    await nothingLeft();
  };
  const failing = (one: Release) =>
    deploy(one).then(
      () => {
        throw new Error("it was kept");
      },
      (error: Error) => error.message,
    );

  test("as the new kernel panics, is over by itself: the boot default is still the old system", async () => {
    const message = await failing(
      await wanted({ kernel: "panics", init: "sleep 1; exit 1" }, { reboot: true }),
    );
    expect(message).toMatch(/boot \S+ on trial: it came up with \S+ instead: the new system did not boot/);
    expect(message).toContain(`Rebooted into ${good}; the host was read back and runs it`);
    await returned();
  });

  test("as the new system hangs before anything answers, ends by a reset from outside", async () => {
    let resets = 0;
    const reset = async () => {
      resets += 1;
      await execa("hcloud", ["server", "reset", "lab-web1"], { env: host.lab.env });
    };
    const hangs = await wanted(
      { kernel: "hangs", init: "sleep 100000" },
      { reboot: true, bootDeadline: 20, reset },
    );
    const message = await failing(hangs);
    expect(resets).toBe(1);
    expect(message).toMatch(/it has not come up within 20 s of its reboot/);
    expect(message).toContain(
      `Rebooted into ${good} by a reset from outside; the host was read back and runs it`,
    );
    await returned();
  });

  test("as the site does not answer, is returned from by another reboot", async () => {
    // Healthy as it is switched to, ill once it is booted.
    const variant = {
      kernel: "ill",
      units: {
        "ill.service":
          '[Unit]\nAfter=nginx.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c \'test "$(readlink /run/booted-system)" != "$(readlink /run/current-system)" || systemctl stop nginx.service\'\n',
      },
    };
    const message = await failing(await wanted(variant, { reboot: true, healthDeadline: 6 }));
    expect(message).toMatch(/on trial: GET http:\S+ failed: .*ECONNREFUSED/);
    expect(message).toContain(`Rebooted into ${good}; the host was read back and runs it`);
    await returned();
    expect(await host.on("systemctl is-active nginx.service")).toBe("active");
  });

  test("as its deployer has died, is returned from by the guard on the host, and the next update finds it so", async () => {
    const one = await wanted({ kernel: "left" }, { reboot: true });
    // The guard's time is short, so that a test can wait for it.
    const request = {
      target: host.session.target,
      release: { ...one, bootDeadline: 5, healthDeadline: 5, health: site() },
    };
    const child = execa(process.execPath, [join(checkout, "tests/e2e/deploy.ts")], {
      input: JSON.stringify(request),
      reject: false,
    });
    // Once it has told the host to reboot, and before it asks whether the host has.
    child.stdout.on("data", (said) => String(said).includes("waiting for the boot") && child.kill("SIGKILL"));
    expect((await child).signal).toBe("SIGKILL");
    const booted = async () => (await host.look().catch(() => undefined))?.booted;
    await expect.poll(booted, { timeout: 60_000, interval: 500 }).toBe(one.toplevel);
    const meanwhile = await failing({ ...one, health: site() });
    expect(meanwhile).toMatch(/has booted it on trial: unless that is confirmed, it reboots within \d+ s/);
    await expect.poll(booted, { timeout: 120_000, interval: 1_000 }).toBe(good);
    // Whoever comes next settles what is left.
    const same = await wanted({}, { health: site() });
    await deploy({ ...same, toplevel: good });
    await returned();
  });
});

describe("a release that cannot be switched to", () => {
  test("is refused before anything changes where no reboot may be, and the word for it is named", async () => {
    const before = await stands();
    const crossing = await wanted({ initInterface: "systemd 999 (other)" });
    await expect(deploy(crossing)).rejects.toThrow(
      /it cannot be switched to, only booted: the init interface has changed\. The old system was not touched\. Next: give this host reboot: /,
    );
    expect(await stands()).toEqual(before);
  });

  test("is booted on trial where it may be", async () => {
    const crossing = await wanted({ initInterface: "systemd 999 (other)" }, { reboot: true });
    expect(await deploy(crossing)).toEqual({ toplevel: crossing.toplevel, previous: good, rebootDue: [] });
    expect(await stands()).toMatchObject({
      current: crossing.toplevel,
      booted: crossing.toplevel,
      next: crossing.toplevel,
    });
  });
});

describe("a host that goes down while a release is being kept", () => {
  test("has what it boots for its profile again, without anyone's help", async () => {
    const before = await stands();
    good = before.current ?? good;
    expect(host.good).not.toBe(good);
    const paths = "PATH=/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:$PATH";
    await host.on(
      `${paths}; touch /var/lib/berth/boot-unsettled; nix-env --profile /nix/var/nix/profiles/system --set ${host.good}; sync`,
    );
    expect(await stands()).toMatchObject({ profile: host.good, next: good });
    await execa("hcloud", ["server", "reset", "lab-web1"], { env: host.lab.env });
    const now = () => stands().catch(() => undefined);
    await expect
      .poll(async () => (await now())?.bootId ?? before.bootId, { timeout: 60_000 })
      .not.toBe(before.bootId);
    await expect
      .poll(now, { timeout: 20_000 })
      .toMatchObject({ current: good, booted: good, profile: good, next: good });
    await nothingLeft();
  });
});
