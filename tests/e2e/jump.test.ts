import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scanTarget } from "../../deployer/ssh/scan.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { builtSystem, LabServer } from "./installing.ts";

/** A machine that only another one reaches is asked for its key, on a lab of this file's own. */

const folder = join(checkout, ".lab-e2e-jump");
let lab: Lab;
let gate: LabServer;

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  Object.assign(process.env, lab.env);
  gate = await LabServer.order(lab, await builtSystem(lab), "gate");
  await gate.answers();
});
afterAll(() => reset({ folder }));

/** The loopback of the gate, which nothing but the gate reaches. */
const behind = (changes: { port?: number; gateKey?: string; loginKey?: string } = {}) => ({
  ...{ stack: "lab", host: "far", address: "127.0.0.1", port: changes.port ?? 22, user: "root" },
  loginKey: changes.loginKey ?? gate.login.privateKey,
  jump: { address: gate.ipv4, port: 22, user: "root", hostKey: changes.gateKey ?? gate.bootstrap.publicKey },
});

describe("a machine behind another one", () => {
  test("is asked for its host key through that one", async () => {
    const { key } = await scanTarget(behind(), 10);
    expect(key).toBe(gate.bootstrap.publicKey.split(" ").slice(0, 2).join(" "));
  });

  test.each<[string, () => Parameters<typeof behind>[0], RegExp]>([
    [
      "shows another key than its own",
      () => ({ gateKey: gate.lasting.publicKey }),
      /host key verification failed/i,
    ],
    ["does not let us in", () => ({ loginKey: gate.lasting.privateKey }), /permission denied/i],
    ["finds nobody there", () => ({ port: 1 }), /refused|closed/i],
  ])("has no key to tell when the one on the way %s, and it is said", async (_, changes, why) => {
    const { key, said } = await scanTarget(behind(changes()), 10);
    expect(key).toBeUndefined();
    expect(said).toMatch(why);
  });

  test("is introduced by berth trust, with the way to it", async () => {
    const way = ["--jump", `root@${gate.ipv4}`, "--jump-key", gate.bootstrap.publicKey];
    const words = ["trust", "127.0.0.1", ...way, "--identity", gate.login.file];
    const { stdout } = await execa(join(checkout, "bin/berth"), words, { cwd: checkout, env: lab.env });
    expect(stdout).toContain(`hostKey: ${gate.bootstrap.publicKey.split(" ").slice(0, 2).join(" ")}\n`);
    expect(stdout).toContain(
      `jump: { address: ${gate.ipv4}, user: root, hostKey: ${gate.bootstrap.publicKey} }`,
    );
  });
});
