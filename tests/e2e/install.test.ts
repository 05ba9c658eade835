import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { cut } from "./install/cut.ts";
import { deployers } from "./install/deployers.ts";
import { disk } from "./install/disk.ts";
import { killed } from "./install/killed.ts";
import { lostInstaller } from "./install/lost-installer.ts";
import { refused } from "./install/refused.ts";
import { reinstall } from "./install/reinstall.ts";
import { replaced } from "./install/replaced.ts";
import { runAgain } from "./install/run-again.ts";
import { waysIn } from "./install/ways-in.ts";
import { InstallWorld } from "./install/world.ts";

/** A lab of these stories' own: each is a file in `install/` and has servers of its own. */
const folder = join(checkout, ".lab-install");
let world: InstallWorld;

beforeAll(async () => {
  world = await InstallWorld.make(folder);
});

afterAll(async () => {
  if (world) console.log(world.table());
  await reset({ folder });
});

describe.concurrent("an installation survives", () => {
  test("every way in which the engine runs it again", () => runAgain(world));
  test("a deployer that is killed in each phase and run again", () => killed(world));
  test("a connection that is cut in each phase", () => cut(world));
  test("a disk layout that fails half-way, and a disk that fills up during the copy", () => disk(world));
  test("an installer that never comes back, or with another host key", () => lostInstaller(world));
  test("what is refused before anything is touched", () => refused(world));
  test("another server at the address of one that is gone", () => replaced(world));
  test("login keys that cannot be written, and two deployers at once", () => deployers(world));
  test("a wanted reinstall: with a snapshot and without the volume, killed in its middle, and once", () =>
    reinstall(world));
  test("a way in by a user who may sudo, a jump host, IPv6 and another port", () => waysIn(world));
});
