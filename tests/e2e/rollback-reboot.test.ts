import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { release } from "../../deployer/release/release.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { berth } from "./berth.ts";
import { type OneHost, oneHost } from "./one-host.ts";
import { type Variant, variantOf } from "./variant.ts";

const name = "web1";
let host: OneHost;
/** Another kernel than the first release's; does not boot while its disk has /var/lib/spoiled. */
let older: string;
/** Another interface of init than the others': cannot be switched to from them, nor they from it. */
let newer: string;

beforeAll(async () => {
  host = await oneHost(join(checkout, ".lab-e2e-rollback-reboot"));
  older = await deploy({ kernel: "older", init: "[ ! -e /var/lib/spoiled ] || { sleep 1; exit 1; }" });
  newer = await deploy({ kernel: "older", initInterface: "systemd 999 (other)" });
});
afterAll(() => host?.down());

async function deploy(variant: Variant): Promise<string> {
  const built = await variantOf(host.good, variant);
  await release(
    host.session,
    {
      ...built,
      system: "x86_64-linux",
      health: [{ http: `http://${host.outputs.hosts[name]?.address}/healthz` }],
      healthDeadline: 30,
      reboot: true,
      owner: "test",
    },
    { status: () => undefined },
  );
  return built.toplevel;
}

const rollback = (...args: string[]) => berth(host.lab.env, "rollback", name, ...args);
/** The number under which the host has a release. */
const generationOf = async (toplevel: string) =>
  await host.on(
    `ls -tr -d /nix/var/nix/profiles/system-*-link | while read -r link; do [ "$(readlink -f "$link")" != ${toplevel} ] || echo "$link"; done | tail -n 1 | grep -o '[0-9]*-link' | grep -o '[0-9]*'`,
  );
const stands = async () => {
  const { current, booted, profile, bootId } = await host.look();
  return { current, booted, profile, bootId };
};
const booted = (toplevel: string) => ({ current: toplevel, booted: toplevel, profile: toplevel });

test("to what cannot be switched to is refused before anything changes, and the word that boots it is named", async () => {
  const before = await stands();
  const number = await generationOf(older);
  const run = await rollback("--to", number);
  expect(run.exitCode).toBe(1);
  expect(run.output).toMatch(
    /it cannot be switched to, only booted: the init interface has changed\. The old system was not touched\./,
  );
  expect(run.output).toContain(`Next: berth rollback ${name} --to ${number} --reboot boots it, on trial`);
  expect(await stands()).toEqual(before);
});

test("by a boot that fails ends where it began", async () => {
  await host.on("touch /var/lib/spoiled");
  const run = await rollback("--to", await generationOf(older), "--reboot");
  await host.on("rm /var/lib/spoiled");
  expect(run.exitCode).toBe(1);
  expect(run.output).toContain(`the new system did not boot`);
  expect(run.output).toContain(`Rebooted into ${newer}; the host was read back and runs it`);
  const { bootId: _, ...now } = await stands();
  expect(now).toEqual(booted(newer));
});

test("with the word it is booted, and what was left is held", async () => {
  const run = await rollback("--to", await generationOf(older), "--reboot", "--why", "it crashes");
  expect(run.exitCode, run.output).toBe(0);
  expect(run.output).toContain("rebooting on trial (it cannot be switched to");
  const { bootId: _, ...now } = await stands();
  expect(now).toEqual(booted(older));
  expect(JSON.parse(await host.on("cat /var/lib/berth/held"))).toMatchObject({
    toplevel: newer,
    why: "it crashes",
  });
});

test("to another kernel is a switch and a word that a reboot is due; what it names boots it", async () => {
  const before = await stands();
  const run = await rollback("--to", await generationOf(host.good));
  expect(run.exitCode, run.output).toBe(0);
  expect(await stands()).toEqual({ ...before, current: host.good, profile: host.good });

  const [, words = ""] =
    /a reboot is due \(kernel\); berth (rollback web1 --to \d+ --reboot) boots it, on trial/.exec(
      run.output,
    ) ?? [];
  expect(words, run.output).not.toBe("");
  const again = await berth(host.lab.env, ...words.split(" "));
  expect(again.exitCode, again.output).toBe(0);
  expect(again.output).toContain("rebooting on trial (kernel)");
  const { bootId, ...now } = await stands();
  expect(now).toEqual(booted(host.good));
  expect(bootId).not.toBe(before.bootId);
});

test("of a host whose stack lets updates reboot it needs no word", async () => {
  const file = host.lab.places.stackFile;
  const stack = parse(await readFile(file, "utf8"));
  stack.config["berth:hosts"][name].reboot = { when: "now" };
  await writeFile(file, stringify(stack));
  const update = await host.engine.run(["up", "--yes", "--skip-preview"]);
  expect(update.exitCode, update.output).toBe(0);

  const run = await rollback("--to", await generationOf(older));
  expect(run.exitCode, run.output).toBe(0);
  const { bootId: _, ...now } = await stands();
  expect(now).toEqual(booted(older));
});
