import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Release, release } from "../../deployer/release/release.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type OneHost, oneHost } from "./one-host.ts";
import { spoiledSystem } from "./spoiled.ts";
import { answers500, type Variant, variantOf } from "./variant.ts";

let host: OneHost;
/** What the host runs, has for its profile and boots. */
let good: string;
beforeAll(async () => {
  host = await oneHost(join(checkout, ".lab-e2e-rules"));
  good = host.good;
});
afterAll(() => host?.down());

const site = () => [{ http: `http://${host.outputs.hosts.web1?.address}/healthz` }];
const whatever = () => ({
  system: "x86_64-linux",
  health: site(),
  healthDeadline: 6,
  switchDeadline: 30,
  owner: "test",
});
const differing = async (variant: Variant, more: Partial<Release>): Promise<Release> => ({
  ...(await variantOf(good, variant)),
  ...whatever(),
  ...more,
});
const deploy = (one: Release) => release(host.session, one, { status: () => {} });
const failing = (one: Release) =>
  deploy(one).then(
    () => {
      throw new Error("it went through");
    },
    (error: Error) => error.message,
  );
/** The host runs it, boots it, and nothing of a trial is left. */
const standsOn = async (toplevel: string) => {
  expect(await host.look()).toMatchObject({
    current: toplevel,
    profile: toplevel,
    trial: { state: "none" },
  });
  // A guard ends within half a second of what it is told.
  await expect
    .poll(() => host.on("ls /run/berth; systemctl list-units --no-legend --plain 'berth-*'"), {
      timeout: 5_000,
    })
    .toBe("");
};

describe("what goes before a switch", () => {
  const note = {
    command: 'echo "$BERTH_OLD $BERTH_NEW $(readlink -f /run/current-system)" >>/root/before',
    seconds: 20,
  };

  test("runs once, when the release is there and the old one still runs", async () => {
    const one = await differing({ etc: { motd: "one" } }, { before: note });
    expect(await deploy(one)).toMatchObject({ toplevel: one.toplevel, previous: good });
    expect(await host.on("cat /root/before")).toBe(`${good} ${one.toplevel} ${good}`);
    // It runs already.
    await deploy(one);
    expect(await host.on("wc -l </root/before")).toBe("1");
    good = one.toplevel;
  });

  test.each([
    ["fails", "echo about to; echo 'no such table' >&2; exit 3", 20, /ended with 3\nabout to\nno such table/],
    ["takes too long", "echo still at it; sleep 600", 2, /was ended after 2 s\nstill at it/],
  ])("%s, and nothing is switched", async (_, command, seconds, because) => {
    const message = await failing(
      await differing({ etc: { motd: "two" } }, { before: { command, seconds } }),
    );
    expect(message).toMatch(because);
    expect(message).toContain("Nothing was switched; what the command itself has changed stays.");
    await standsOn(good);
  });

  test("goes on when its deployer dies, and no other release begins until it has ended", async () => {
    const before = { command: "touch /root/begun; sleep 12; touch /root/ended", seconds: 60 };
    const one = await differing({ etc: { motd: "three" } }, { before });
    const child = execa(process.execPath, [join(checkout, "tests/e2e/deploy.ts")], {
      input: JSON.stringify({ target: host.session.target, release: one }),
      reject: false,
    });
    await expect
      .poll(() => host.on("ls /root/begun || true"), { timeout: 60_000, interval: 200 })
      .toContain("begun");
    child.kill("SIGKILL");
    await child;
    // Its lock is anyone's by then: what still runs is what is in the way.
    await host.on("echo 0 >/run/berth/lock/until");
    expect(await failing({ ...one, before: { ...note } })).toContain(
      "the command of an earlier release still runs: see systemctl status berth-before.service",
    );
    await expect
      .poll(() => host.on("systemctl is-active berth-before || true"), { timeout: 60_000, interval: 500 })
      .toBe("inactive");
    expect(await host.on("ls /root/ended")).toBe("/root/ended");
    expect(await deploy(one)).toMatchObject({ toplevel: one.toplevel });
    good = one.toplevel;
    // What the dead one has left is gone, with what it kept from being collected.
    await standsOn(good);
    expect(await host.on("ls /nix/var/nix/gcroots/berth")).not.toMatch(/^(old|new|booted)-/m);
  });
});

describe("a release that is never to be returned from", () => {
  test("is returned from all the same where nobody could log in any more", async () => {
    const one = await spoiledSystem(
      good,
      'ln -sfn "$here" /run/current-system; systemctl stop sshd.service; pkill sshd-session; exit 4',
    );
    const message = await failing({ ...one, ...whatever(), rollback: "never" });
    expect(message).toContain(`Rolled back to ${good}; the host was read back and runs it`);
    await standsOn(good);
  });

  test("is kept when its site does not answer; the next update says so again, and one that mends it goes through", async () => {
    const one = await differing(await answers500(host.on), { rollback: "never" });
    const message = await failing(one);
    expect(message).toMatch(/answered 500, expected 200.*It was kept \(rollback: never\): the host runs/s);
    await standsOn(one.toplevel);
    expect(await failing(one)).toMatch(/which runs already: .*answered 500/s);
    const mended = await differing({ etc: { motd: "mended" } }, {});
    expect(await deploy(mended)).toMatchObject({ toplevel: mended.toplevel, previous: one.toplevel });
    good = mended.toplevel;
  });

  test("is kept after its boot on trial as well", async () => {
    const one = await differing(
      { initInterface: "systemd 999 (other)" },
      {
        ...{ rollback: "never", reboot: true, bootDeadline: 60, health: [{ unit: "nowhere.service" }] },
        // Its trial is sent along, and called off: it can only be booted.
        runs: good,
      },
    );
    const message = await failing(one);
    expect(message).toContain("It was kept (rollback: never)");
    expect(await host.look()).toMatchObject({
      ...{ current: one.toplevel, booted: one.toplevel, profile: one.toplevel },
    });
  });
});
