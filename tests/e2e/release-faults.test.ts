import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Release, release } from "../../deployer/release/release.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type OneHost, oneHost } from "./one-host.ts";
import { spoiledSystem } from "./spoiled.ts";
import { answers500, type Variant, variantOf } from "./variant.ts";

let host: OneHost;
/** What the host runs before each fault, and after it but for what is said. */
let good: string;
const matrix: { step: string; fault: string; outcome: string; seconds: string }[] = [];

beforeAll(async () => {
  host = await oneHost(join(checkout, ".lab-e2e-faults"));
  good = host.good;
});
afterAll(async () => {
  const width = (key: "step" | "fault" | "outcome") => Math.max(...matrix.map((row) => row[key].length), 0);
  for (const row of matrix) {
    const { step, fault, outcome, seconds } = row;
    const cells = [
      step.padEnd(width("step")),
      fault.padEnd(width("fault")),
      outcome.padEnd(width("outcome")),
    ];
    process.stdout.write(`${cells.join("  ")}  ${seconds.padStart(5)} s\n`);
  }
  await host?.down();
});

/** The page's address, and what each release shows there. */
const url = () => `http://${host.outputs.hosts.web1?.address}/healthz`;
let count = 0;
/** Another release, which is well unless it is spoiled; seconds are short, so that a test can wait for a guard. */
const wanted = async (variant: Variant = {}, more: Partial<Release> = {}): Promise<Release> => ({
  ...(await variantOf(good, { init: `: release ${++count}`, ...variant })),
  ...short,
  ...more,
});
const short = {
  system: "x86_64-linux",
  get health() {
    return [{ http: url() }];
  },
  healthDeadline: 5,
  switchDeadline: 6,
  owner: "test",
};
const spoiled = async (script: string, more: Partial<Release> = {}) => ({
  ...(await spoiledSystem(good, script)),
  ...short,
  ...more,
});
/** Made to look switched to, before the fault. */
const looksSwitched = 'ln -sfn "$here" /run/current-system';

/** Why a release was not kept; undefined when it was. */
type Ended = Error | undefined;
const deploy = (one: Release, onStep: (line: string) => void = () => undefined, session = host.session) =>
  release(session, one, { status: onStep }).then(
    (): Ended => undefined,
    (error: Error): Ended => error,
  );

/** What the host is found to be, over a new connection. */
async function stands() {
  const { current, profile, booted } = await host.look();
  const [entry = ""] = /default (\S+)/.exec(await host.on("cat /boot/loader/loader.conf"))?.slice(1) ?? [];
  const next = /init=(\S+)\/init/.exec(await host.on(`cat /boot/loader/entries/${entry}`))?.[1];
  const page = await fetch(url(), { signal: AbortSignal.timeout(3_000) }).then((answer) => answer.status);
  return { current, profile, booted, next, page };
}

/** The host comes to run one of these as what it boots, too, and answers; nothing of a trial is left, and it can be deployed to. */
async function recovers(
  step: string,
  fault: string,
  since: number,
  allowed: readonly string[],
): Promise<void> {
  let last: unknown;
  const whole = async () => {
    const now = await stands().catch((error: Error) => ({ error: error.message }));
    last = now;
    return (
      "current" in now &&
      allowed.includes(now.current ?? "") &&
      now.profile === now.current &&
      now.next === now.current &&
      now.page === 200
    );
  };
  await expect
    .poll(whole, { timeout: 120_000, interval: 500, message: `${step}, ${fault}` })
    .toBe(true)
    .catch((error) => {
      throw new Error(`${step}, ${fault}: the host stands at ${JSON.stringify(last)}`, { cause: error });
    });
  const seconds = ((Date.now() - since) / 1000).toFixed(1);
  const now = await stands();
  matrix.push({
    step,
    fault,
    outcome: now.current === good ? "old release" : "new release, confirmed",
    seconds,
  });
  await expect
    .poll(() => host.on("systemctl list-units --plain --no-legend 'berth-guard-*' 'berth-trial-*'"), {
      timeout: 60_000,
    })
    .toBe("");
  // Free for the next one: at once, or as soon as the lock of one that is gone is anyone's.
  let again: Ended;
  const free = async () => {
    again = await deploy({
      ...(await variantOf(good, {})),
      ...short,
      toplevel: now.current ?? "",
      drvPath: "",
    });
    return again === undefined;
  };
  await expect
    .poll(free, { timeout: 70_000, interval: 2_000, message: again === undefined ? "" : String(again) })
    .toBe(true);
  good = now.current ?? good;
}

describe("a release that is not well leaves the old one running, and says why", () => {
  test.each<[string, () => Promise<Release>, RegExp]>([
    ["serves 500", async () => wanted(await answers500(host.on)), /answered 500, expected 200/],
    [
      "serves the wrong release",
      () => wanted({}, { health: [{ http: url(), body: "a release of tomorrow" }] }),
      /answered 200 without the text "a release of tomorrow"/,
    ],
    [
      "crashes a needed unit after 5 s",
      () =>
        wanted(
          {
            units: {
              "needed.service":
                "[Service]\nExecStart=sh -c 'sleep 5; exit 1'\nRestart=always\nRestartSec=10ms\n[Unit]\nStartLimitIntervalSec=0\n",
            },
          },
          { healthyFor: 8 },
        ),
      /(did not stay healthy for 8 s: systemd had to restart needed\.service|these units failed: needed\.service)/,
    ],
    ["hangs in activation", () => spoiled("sleep 600"), /the switch has not ended/],
    [
      "hangs while it holds the switch's lock",
      () => spoiled("exec 9>>/run/nixos/switch-to-configuration.lock; flock 9; sleep 600"),
      /the switch has not ended/,
    ],
    [
      "kills sshd",
      () => spoiled(`${looksSwitched}; systemctl stop sshd.service; pkill sshd-session; exit 0`),
      /.*/,
    ],
    ["breaks the network", () => spoiled(`${looksSwitched}; ip link set eth0 down; exit 0`), /.*/],
    [
      "reloads systemd all the time",
      () =>
        spoiled(`${looksSwitched}; for i in $(seq 30); do systemctl daemon-reload; sleep 0.2; done; exit 4`),
      /switch-to-configuration ended with 4|the switch has not ended/,
    ],
  ])("%s", async (fault, make, why) => {
    const one = await make();
    const since = Date.now();
    const error = await deploy(one);
    expect(error?.message).toMatch(why);
    expect(error?.message).toContain(`Rolled back to ${good}`);
    await recovers("trial", fault, since, [good]);
  });

  test("and so does one whose guard is killed: the host reboots into the old one", async () => {
    const one = await spoiled(`${looksSwitched}; systemctl kill --signal=KILL 'berth-guard-*'; sleep 600`);
    const since = Date.now();
    const error = await deploy(one);
    expect(error?.message).toContain(`Rolled back to ${good} by a reboot`);
    await recovers("trial", "guard killed", since, [good]);
  });
});

/** The steps of a release, by the line that begins each. */
const steps = [
  ["prepare", "preparing"],
  ["copy", "copying"],
  ["trial", "switching on trial"],
  ["health", "checking its health"],
  ["confirm", "confirming"],
] as const;

/** The same of a release whose trial is sent along with the preparation, as what the host runs is known. */
const ahead = [
  ["prepare, ahead", "preparing"],
  ["trial, ahead", "switching on trial"],
] as const;

describe.each([...steps, ...ahead])("at the step %s", (step, begins) => {
  const another = () => wanted({}, ahead.some(([name]) => name === step) ? { runs: good } : {});
  /** Before its confirmation a release is undone; once it has begun, either is whole. */
  const allowed = (one: Release) => (step === "confirm" ? [good, one.toplevel] : [good]);

  test("the deployer is killed", async () => {
    const one = await another();
    const child = execa(process.execPath, [join(checkout, "tests/e2e/deploy.ts")], {
      input: JSON.stringify({ target: host.session.target, release: one }),
      reject: false,
    });
    let since = Date.now();
    child.stdout.on("data", (chunk: Buffer) => {
      if (!chunk.toString().includes(begins)) return;
      since = Date.now();
      child.kill("SIGKILL");
    });
    const ended = await child;
    expect(ended.signal).toBe("SIGKILL");
    await recovers(step, "deployer killed", since, allowed(one));
  });

  test("the host is reset", async () => {
    const one = await another();
    let since = Date.now();
    let reset: Promise<unknown> | undefined;
    await deploy(one, (line) => {
      if (reset !== undefined || !line.startsWith(begins)) return;
      since = Date.now();
      reset = execa("hcloud", ["server", "reset", "lab-web1"], { env: host.lab.env });
    });
    expect(reset).toBeDefined();
    await reset;
    // What is asked too early is asked of the host that goes down.
    await sleep(2_000);
    await recovers(step, "host reset", since, [good, one.toplevel]);
  });

  test("the connection is cut", async () => {
    const one = await another();
    const session = await SshSession.create(host.session.target);
    let since = Date.now();
    let cut = false;
    try {
      await deploy(
        one,
        (line) => {
          if (cut || !line.startsWith(begins)) return;
          cut = true;
          since = Date.now();
          setTimeout(() => void execa("pkill", ["-KILL", "-f", session.configFile], { reject: false }), 20);
        },
        session,
      );
    } finally {
      await session.close();
    }
    expect(cut).toBe(true);
    await recovers(step, "connection cut", since, [good, one.toplevel]);
  });
});

/** Run a command on the host before anything else here goes on; by an ssh of its own, as the shared one may go through this process. */
const atOnce = (command: string) =>
  execFileSync(
    "ssh",
    ["-F", host.session.configFile, "-o", "ControlPath=none", host.session.alias, command],
    {
      timeout: 20_000,
    },
  );

describe("a host that is not as it was left", () => {
  test("its disk fills while it is copied to: the copy fails, and nothing has changed", async () => {
    const one = await wanted();
    const since = Date.now();
    const fill = [
      "mkdir -p /run/small && mount -t tmpfs -o size=32k tmpfs /run/small && mkdir /run/small/upper /run/small/work",
      "mount -t overlay -o lowerdir=/nix/store,upperdir=/run/small/upper,workdir=/run/small/work overlay /nix/store",
    ].join(" && ");
    const error = await deploy(one, (line) => {
      // Done before the copy begins: whoever tells of it waits.
      if (line.startsWith("copying")) atOnce(fill);
    });
    await host.on("umount /nix/store; umount /run/small");
    expect(error?.message).toMatch(/No space left on device/);
    expect(error?.message).toContain("The running release was not touched");
    await recovers("copy", "disk full", since, [good]);
    expect(await deploy(one), "the same release, with room").toBeUndefined();
    good = one.toplevel;
  });

  test("what was sent along does not fit in: it is copied as if nothing had been sent", async () => {
    const one = await wanted({}, { runs: good });
    const since = Date.now();
    // Room enough, as df tells it, for no more than a few files.
    const few = [
      "mkdir -p /run/few && mount -t tmpfs -o size=200m,nr_inodes=9 tmpfs /run/few && mkdir /run/few/upper /run/few/work",
      "mount -t overlay -o lowerdir=/nix/store,upperdir=/run/few/upper,workdir=/run/few/work overlay /nix/store",
    ].join(" && ");
    const told: string[] = [];
    const error = await deploy(one, (line) => {
      told.push(line);
      if (line === "preparing") atOnce(few);
      if (line.startsWith("copying")) atOnce("umount /nix/store; umount /run/few");
    });
    expect(error).toBeUndefined();
    expect(told.map((line) => line.replace(/ing .*/, "ing"))).toMatchObject([
      ...["preparing", "copying", "switching", "checking", "looking", "confirming"],
    ]);
    await recovers("trial, ahead", "what was sent does not fit in", since, [one.toplevel]);
  });

  test("an update that is cancelled while guard and trial begin takes both along, and reboots nothing", async () => {
    const { bootId } = await host.look();
    for (const milliseconds of [5, 40, 80, 120, 180, 260, 400]) {
      const one = await wanted({}, { runs: good });
      const since = Date.now();
      const cancel = new AbortController();
      const onStep = (line: string) => {
        if (line === "preparing") setTimeout(() => cancel.abort(new Error("cancelled")), milliseconds);
      };
      const ended = await release(host.session, one, { status: onStep, signal: cancel.signal }).catch(
        () => undefined,
      );
      // A quick machine is done before it is cancelled.
      await recovers("trial, ahead", `cancelled after ${milliseconds} ms`, since, [ended?.toplevel ?? good]);
      expect((await host.look()).bootId, `cancelled after ${milliseconds} ms`).toBe(bootId);
    }
  });

  test("two deployers come at once: one waits in vain or releases, never both at a time", async () => {
    const [one, two] = [await wanted({}, { runs: good }), await wanted({}, { runs: good })];
    const since = Date.now();
    const other = await SshSession.create(host.session.target);
    const ended = await Promise.all([deploy(one), deploy(two, () => undefined, other)]);
    await other.close();
    const refused = ended.filter((error) => error?.message.includes("another deployment"));
    expect(refused.length + ended.filter((error) => error === undefined).length).toBe(2);
    expect(refused.length).toBeLessThan(2);
    await recovers("all", "two deployers", since, [one.toplevel, two.toplevel]);
  });

  test("the deployer's clock is an hour ahead: locks, guards and deadlines go by clocks that nobody sets", async () => {
    const elsewhere = async (one: Release) => {
      const ahead = join(checkout, "tests/e2e/an-hour-ahead.mjs");
      return await execa(process.execPath, ["--import", ahead, join(checkout, "tests/e2e/deploy.ts")], {
        input: JSON.stringify({ target: host.session.target, release: one }),
        reject: false,
      });
    };
    const since = Date.now();
    const hung = await elsewhere(await spoiled(`${looksSwitched}; sleep 600`));
    expect(hung.stderr).toContain(`Rolled back to ${good}`);
    const one = await wanted();
    expect((await elsewhere(one)).exitCode).toBe(0);
    await recovers("all", "clock off by an hour", since, [one.toplevel]);
  });

  test("it was rolled back by hand: the next release goes on from what runs", async () => {
    const one = await wanted();
    expect(await deploy(one)).toBeUndefined();
    const old = good;
    await host.on(
      `nix-env -p /nix/var/nix/profiles/system --set ${old} && ${old}/bin/switch-to-configuration switch`,
    );
    expect((await stands()).current).toBe(old);
    const since = Date.now();
    expect(await deploy(one)).toBeUndefined();
    await recovers("all", "rolled back by hand", since, [one.toplevel]);
  });

  test("its profile points nowhere: what runs is what a bad release returns to, and a good one mends it", async () => {
    await host.on("ln -sfn /nix/store/gone /nix/var/nix/profiles/system");
    const since = Date.now();
    const error = await deploy(await spoiled(`${looksSwitched}; exit 4`));
    expect(error?.message).toContain(`Rolled back to ${good}`);
    const one = await wanted();
    expect(await deploy(one)).toBeUndefined();
    await recovers("all", "profile points nowhere", since, [one.toplevel]);
  });
});
