import { expect } from "vitest";
import { argumentsOf, TrapStack } from "../install-traps.ts";
import type { Variant } from "../traps/index.ts";
import type { InstallWorld } from "./world.ts";

/** An installed host, and every way in which the engine runs its installation again. */
export async function runAgain(world: InstallWorld): Promise<void> {
  const server = await world.order("trapped");
  const stack = new TrapStack(world.lab, server, "lab");
  await stack.init();
  const args = argumentsOf(server, world.web, world.lab);
  const base: Variant = { args };
  const started = Date.now();
  const first = await stack.up(base);
  expect(first.exitCode, first.output).toBe(0);
  expect(first.output).toMatch(/\d s {2}phase kexec: boot the installer/);
  world.note(server.name, "pulumi up of a new server", "installed", started);
  await server.sh("lasting", "touch /root/was-here");
  const bootId = () => server.sh("lasting", "ls /root/was-here; cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();

  const other = { drvPath: world.web.toplevel.drvPath, out: `${world.web.toplevel.out}x` };
  const addition = (inputs: Record<string, unknown>) => ({ ...base, inputs, withoutIgnoreChanges: true });
  type Row = [trap: string, variant: Variant, flags: string[], runs: number];
  const inert: Row[] = [
    ["an edited command string", { ...base, inputs: { create: "exit 1 # edited" } }, [], 0],
    ["the same, if nothing ignored it", addition({ create: "exit 1 # edited" }), [], 0],
    ["another working folder", addition({ dir: "/" }), [], 0],
    ["another environment", addition({ environment: { BERTH_NODE: "/another/node" } }), [], 0],
    ["other data on stdin", addition({ stdin: "another" }), [], 0],
    ["another interpreter", addition({ interpreter: ["/bin/sh", "-c"] }), [], 0],
    ["another way to log", addition({ logging: "none" }), [], 0],
    ["a plugin's default that is another one", addition({ addPreviousOutputInEnv: true }), [], 0],
    ["another system", { args: { ...args, manifest: { ...world.web, toplevel: other } } }, [], 0],
    ["another disk layout", { args: { ...args, manifest: { ...world.web, diskoScript: other } } }, [], 0],
    ["a rotated login key", { args: { ...args, loginKey: server.lasting.privateKey } }, [], 0],
    [
      "a rotated token",
      { args: { ...args, api: { token: "another", endpoint: "http://127.0.0.1:1" } } },
      [],
      0,
    ],
    ["another address", { args: { ...args, address: "203.0.113.9" } }, [], 0],
    ["another deadline", { args: { ...args, deadline: 300 } }, [], 0],
    ["a renamed component", { ...base, name: "renamed-installation" }, [], 1],
    ["named as before", base, [], 1],
  ];
  for (const [trap, variant, flags, runs] of inert) await expectUntouched(trap, variant, flags, runs);

  const urn = await stack.urn();
  await expectUntouched("--replace", base, ["--replace", urn], 1);
  await expectUntouched("--target-replace", base, ["--target-replace", urn], 1);
  expect((await stack.pulumi("state", "taint", urn, "--yes")).exitCode).toBe(0);
  await expectUntouched("state taint", base, [], 1);
  await expectUntouched("a refresh", base, ["--refresh"], 0);
  expect((await stack.pulumi("stack", "rm", "--force", "--yes", "--preserve-config")).exitCode).toBe(0);
  await stack.init();
  await expectUntouched("a lost state", base, [], 1);

  const second = new TrapStack(world.lab, server, "second");
  await second.init();
  const asked = Date.now();
  const refused = await second.up(base);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toMatch(/it was installed as trapped of stack lab .*The disk was not touched/);
  world.note(server.name, "a second stack on the host", "refused by name", asked);
  expect(await bootId()).toBe(before);

  await protectedFromReplacement();
  await failedAtItsVeryEnd();
  await Promise.all([stack.clean(), second.clean()]);

  async function expectUntouched(
    trap: string,
    variant: Variant,
    flags: string[],
    runs: number,
  ): Promise<void> {
    const began = Date.now();
    const ended = await stack.up(variant, ...flags);
    expect(ended.exitCode, `${trap}: ${ended.output}`).toBe(0);
    expect([trap, ended.runs]).toEqual([trap, runs]);
    expect([trap, await bootId()]).toEqual([trap, before]);
    world.note(server.name, trap, runs === 0 ? "not run" : "run, and found it installed", began);
  }

  async function protectedFromReplacement(): Promise<void> {
    const kept = { args: { ...args, protect: true } };
    await expectUntouched("protected", kept, [], 0);
    const ended = await stack.up(kept, "--replace", await stack.urn());
    expect([ended.exitCode === 0, ended.runs]).toEqual([false, 0]);
    await expectUntouched("protected no more", base, [], 0);
  }

  /** The reinstall is done and its verification fails, so that the engine has no record of it. */
  async function failedAtItsVeryEnd(): Promise<void> {
    const began = Date.now();
    const reinstall = { server: server.id, value: "once", snapshot: false };
    const wanted = { ...args, reinstall };
    const addresses = { ipv4: server.ipv4, ipv6: "2001:db8::1" };
    const failed = await stack.up({ args: { ...wanted, addresses } });
    expect(failed.exitCode).not.toBe(0);
    expect(failed.output).toMatch(/see that its network is up on .*it does not have 2001:db8::1/s);
    expect(failed.runs).toBe(1);
    const now = await server.sh("lasting", "ls /root; cat /proc/sys/kernel/random/boot_id");
    expect(now).not.toContain("was-here");
    world.note(
      server.name,
      "a reinstall whose create fails at its very end",
      "installed, and the engine does not know",
      began,
    );
    for (const again of [wanted, wanted, args]) {
      const ended = await stack.up({ args: again });
      expect(ended.exitCode, ended.output).toBe(0);
      expect(await server.sh("lasting", "ls /root; cat /proc/sys/kernel/random/boot_id")).toBe(now);
    }
    world.note(server.name, "the retry, and the word taken away", "found it installed", began);
  }
}
