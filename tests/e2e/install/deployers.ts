import { execa } from "execa";
import { expect } from "vitest";
import type { LabServer } from "../installing.ts";
import { expectInstalled, type InstallWorld, outcomeOf, saidBy } from "./world.ts";

/** Login keys that cannot be written, which the stack's own key has no need of; and two deployers at once. */
export async function deployers(world: InstallWorld): Promise<void> {
  const server = await world.order("shared");
  await unwritableKeys(world, server);
  await twoAtOnce(world, server);
}

async function unwritableKeys(world: InstallWorld, server: LabServer): Promise<void> {
  const bootId = () => server.sh("bootstrap", "cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  await server.sh("bootstrap", "mount --bind /root/.ssh /root/.ssh; mount -o remount,bind,ro /root/.ssh");
  const agent = await execa("ssh-agent", ["-s"]);
  const socket = /SSH_AUTH_SOCK=([^;]+)/.exec(agent.stdout)?.[1] ?? "";
  const pid = /SSH_AGENT_PID=(\d+)/.exec(agent.stdout)?.[1] ?? "";
  try {
    await execa("ssh-add", ["-q", server.login.file], { env: { SSH_AUTH_SOCK: socket } });
    const { loginKey: _, ...target } = server.document().target;
    const { deadlines } = server.document();
    const unwritable = await world.run(
      server,
      "read-only authorized_keys, with the agent's key",
      server.document({ target, deadlines: { ...deadlines, kexec: 15 } }),
      { SSH_AUTH_SOCK: socket },
    );
    expect(unwritable.exitCode).toBe(1);
    expect(unwritable.said).toMatch(
      /at "Uploading install SSH keys": no end within 15 s\n.*It answers and runs debian/s,
    );
    expect(await bootId()).toBe(before);
  } finally {
    process.kill(Number(pid));
  }
}

/** While the first is at work the second is told so. */
async function twoAtOnce(world: InstallWorld, server: LabServer): Promise<void> {
  const document = server.document(await world.slow());
  const started = Date.now();
  const first = server.start(document);
  await saidBy(first, "Formatting hard drive");
  const second = await world.run(server, "two deployers at once, the second", document);
  expect(second.exitCode).toBe(1);
  expect(second.said).toMatch(
    /hold the host for this installation: another installation is at work on it: \S+@\S+ \(stack lab, process \d+, since .*\)\. Nothing was changed by this one\./,
  );
  const { exitCode, all } = await first;
  world.note(
    server.name,
    "two deployers at once, the first (read-only authorized_keys, with the stack's key)",
    outcomeOf(all),
    started,
  );
  expect(exitCode, all).toBe(0);
  await expectInstalled(server, document);
}
