import { has, openFlake } from "../nix.ts";
import { findNginx } from "../spa/program.ts";
import { complaintsAbout, exposureOf } from "../units.ts";
import { type Generated, generatedBy, systemsOf } from "./generated.ts";
import { objectionsTo } from "./nginx.ts";
import { evaluateOutputs, type Source } from "./outputs.ts";
import { Tally } from "./tally.ts";

// `npm run check:nix`: what can be said of the flake without building it, and what was not said.

const SYSTEMS = ["x86_64-linux", "aarch64-linux", "aarch64-darwin", "x86_64-darwin"];
/** How exposed a web app's unit may be. */
const EXPOSURE = 1.2;

const tally = new Tally((line) => void process.stdout.write(`${line}\n`));

async function everyOutput(source: Source): Promise<void> {
  for (const system of SYSTEMS)
    for await (const output of evaluateOutputs(source, system)) {
      if ("failed" in output) tally.failed(output.name, output.failed);
      else tally.evaluated(output.name);
    }
}

async function units(name: string, { units, instances }: Generated): Promise<void> {
  if (!(await has("systemd-analyze"))) {
    tally.skipped(`units of ${name}`, "needs systemd-analyze on PATH");
    return;
  }
  const complaints = await complaintsAbout(units);
  const what = `systemd-analyze verify, ${Object.keys(units).length} units of ${name}`;
  if (complaints.length > 0) tally.failed(what, complaints.join("\n"));
  else tally.ran(what);
  for (const instance of instances) {
    const exposure = await exposureOf(units, instance);
    const said = `systemd-analyze security, ${instance} of ${name}: ${exposure}`;
    if (exposure > EXPOSURE) tally.failed(said, `at most ${EXPOSURE} is allowed`);
    else tally.ran(said);
  }
}

async function nginx(name: string, { nginx }: Generated): Promise<void> {
  if (nginx === null) return;
  await using program = await findNginx();
  if (!program) {
    tally.skipped(`nginx.conf of ${name}`, "needs nginx on PATH, or the image of the lab's machines");
    return;
  }
  const objections = await objectionsTo(nginx, program);
  if (objections) tally.failed(`nginx -t, ${name}`, objections);
  else tally.ran(`nginx -t, ${name}`);
}

async function main(): Promise<number> {
  await using flake = await openFlake();
  if ("missing" in flake.inputs) tally.skipped("everything", flake.inputs.missing);
  else {
    const source = { folder: flake.folder, args: flake.inputs.args };
    await everyOutput(source);
    for (const name of await systemsOf(source)) {
      const generated = await generatedBy(source, name);
      await units(name, generated);
      await nginx(name, generated);
    }
    const kvm = "boots systems: needs a machine with KVM that can build or fetch them";
    tally.skipped("tests in VMs (checks.*.spa-vm, checks.*.vm-*)", kvm);
    tally.skipped("closure sizes (checks.*.size-*)", "needs built systems: npm run closure-sizes");
  }
  return tally.conclude();
}

process.exitCode = await main();
