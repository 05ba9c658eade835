import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { livingDaemon, TestLab } from "./support.ts";
import { labOfEachTest, tracesOf } from "./whole-lab.ts";

const { labWithServer } = labOfEachTest();

test.each<[string, (lab: TestLab) => Promise<void>]>([
  ["alive", async () => undefined],
  ["killed", (lab) => lab.kill()],
  [
    "stopped dead (SIGSTOP)",
    async (lab) => {
      process.kill((await livingDaemon(lab.places.daemon)) ?? 0, "SIGSTOP");
    },
  ],
])(
  "purge leaves no process, mount, loop device, namespace, route or folder behind a daemon that is %s",
  async (_, harm) => {
    const { lab, init } = await labWithServer();
    expect(await tracesOf(lab)).not.toEqual([]);
    await harm(lab);
    await lab.purge();
    expect(await tracesOf(lab)).toEqual([]);
    expect(existsSync(`/proc/${init}`)).toBe(false);
    expect(existsSync(lab.places.machines)).toBe(false);
    await lab.purge();
  },
);

test("purging one lab leaves another lab's machines running", async () => {
  const { lab, remote } = await labWithServer();
  const other = await TestLab.up();
  try {
    await other.driver.create(await other.order(1));
    await other.driver.start(1);
  } finally {
    await other.dispose();
  }
  expect(await lab.driver.status(1)).toBe("running");
  expect(await remote.run("echo alive")).toBe("alive");
});
