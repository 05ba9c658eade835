import { setTimeout as sleep } from "node:timers/promises";
import { lastLines } from "../../deployer/process.ts";
import { type Lab, up as labUp, reset } from "../lab.ts";
import { currentSystem } from "./host.ts";
import type { Journal } from "./journal.ts";
import { cloudLeftovers, labLeftovers } from "./leftovers.ts";
import { Probe, type ProbeCount } from "./probe.ts";
import { Engine, type EngineRun, type StackOutputs } from "./pulumi.ts";
import { Site } from "./site.ts";
import { hold, Steps } from "./steps.ts";

export interface JourneyOptions {
  /** The lab's folder. */
  folder: string;
  /** The checkout, where Pulumi.yaml is. */
  project: string;
  /** Leave lab and stack up at the end. */
  keep: boolean;
  journal: Journal;
  print: (line: string) => void;
  /** Called once the lab is up, before the first update: a test may change the stack's configuration. */
  prepare?: (lab: Lab) => Promise<void>;
}

/**
 * The main job: order, install, deploy, change, survive a bad release, tear down.
 * Every release carries a text of its own that HTTP must return, and every host must run the very path that was evaluated.
 * Throws at the first step that does not hold.
 */
export async function journey({ folder, project, keep, journal, print, prepare }: JourneyOptions): Promise<StackOutputs> {
  const steps = new Steps(journal, print);
  const say = (line: string) => print(`     ${line}`);
  let lab!: Lab;
  let engine!: Engine;
  let site!: Site;
  let outputs!: StackOutputs;
  let probes: Probe[] = [];
  const texts = { first: "", second: "" };

  const up = (...args: string[]) => engine.run(["up", "--yes", "--skip-preview", ...args]);

  /** After an update: the outputs, and every host on the release the state names, answering with the given text. */
  async function verify(nonce: string): Promise<string> {
    outputs = await engine.outputs();
    await Promise.all(
      Object.entries(outputs.hosts).map(async ([name, host]) => {
        const page = await fetchPage(host.url);
        hold(page.includes(nonce), `${host.url} does not show ${nonce}: ${excerpt(page)}`);
        const current = await currentSystem(name, outputs);
        hold(current === host.release, `${name} runs ${current}, not ${host.release}`);
      }),
    );
    return Object.entries(outputs.hosts)
      .map(([name, { release }]) => `${name} runs ${shortPath(release)}`)
      .join(", ");
  }

  const takeProbes = (): ProbeCount => sum(probes.map((probe) => probe.take()));

  try {
    await steps.step("lab up", async () => {
      lab = await labUp({ folder, say });
      engine = new Engine(project, lab.env, say);
      site = new Site(`${lab.places.flake}/site`);
      await prepare?.(lab);
      texts.first = await site.change("Moored and in service.");
      return `Hetzner's API at ${lab.env["HCLOUD_ENDPOINT"]}`;
    });

    await steps.step("pulumi up: order, install, deploy", async () => {
      succeeded(await up());
      const seen = await verify(texts.first);
      probes = Object.values(outputs.hosts).map(({ url }) => new Probe(url));
      journal.note({ first: { nonce: texts.first, outputs: withoutKey(outputs) } });
      return `${seen}, ${outputs.pricePerMonth.toFixed(2)} EUR a month if it were real`;
    });

    await steps.step("the page", async () => {
      const [host] = Object.values(outputs.hosts);
      hold(host !== undefined, "the stack has no host");
      const page = await fetchPage(host.url);
      return `${host.url} says "${/<h1[^>]*>(.*?)<\/h1>/s.exec(page)?.[1] ?? excerpt(page)}"`;
    });

    await steps.step("the app is changed; pulumi preview", async () => {
      texts.second = await site.change("Moored, in service, and changed.");
      const touched = await engine.preview();
      for (const { op, urn, oldInputs, newInputs } of touched) {
        say(`${op} ${urn.split("::").at(-1)}`);
        if (oldInputs["toplevel"] !== newInputs["toplevel"]) say(`  toplevel ${String(oldInputs["toplevel"])} -> ${String(newInputs["toplevel"])}`);
      }
      const hosts = Object.keys(outputs.hosts);
      const deployments = touched.filter(({ urn, op, changed }) => urn.includes("Deployment::") && op === "update" && changed.includes("toplevel"));
      hold(deployments.length === hosts.length, `expected an update of ${hosts.length} deployments, the preview has ${deployments.length}`);
      const others = touched.filter(({ op, urn }) => !(op === "update" && (urn.includes("Deployment::") || urn.includes("Installation"))));
      hold(others.length === 0, `the preview would also ${others.map(({ op, urn }) => `${op} ${urn}`).join(", ")}`);
      return `${deployments.length} of ${hosts.length} hosts would switch, nothing is replaced`;
    });

    await steps.step("pulumi up: the new version", async () => {
      takeProbes();
      succeeded(await up());
      const seen = await verify(texts.second);
      const count = takeProbes();
      journal.note({ second: { nonce: texts.second, probe: count, outputs: withoutKey(outputs) } });
      hold(count.failed === 0, `${count.failed} of ${count.requests} requests failed: ${count.firstFailure}`);
      hold(count.requests > 0, "the probe asked nothing");
      return `${seen}; none of ${count.requests} requests failed, the slowest took ${count.slowest} ms`;
    });

    const good = outputs;
    for (const attempt of ["a broken release", "the same again"] as const) {
      await steps.step(`pulumi up: ${attempt}`, async () => {
        await site.break();
        takeProbes();
        const run = await up();
        hold(run.exitCode !== 0, "pulumi up ended with 0 although the release is broken");
        const flat = run.output.replaceAll(/\s+/g, " ");
        for (const [name, { release }] of Object.entries(good.hosts)) {
          hold(new RegExp(`${name} \\([^)]*\\): the new system did not become healthy`).test(flat), `no reason given for ${name}:\n${lastLines(run.output, 20)}`);
          hold(flat.includes(`Rolled back to ${release}`), `it does not say that ${name} was rolled back:\n${lastLines(run.output, 20)}`);
        }
        // A probe's request may still be with the instance that is going.
        await sleep(200);
        const during = takeProbes();
        await verify(texts.second);
        hold(same(good, outputs), "the stack's outputs changed although the update failed");
        await sleep(500);
        const after = takeProbes();
        journal.note({ [attempt === "the same again" ? "again" : "broken"]: { exitCode: run.exitCode, during, after } });
        hold(after.failed === 0 && after.requests > 0, `after the way back ${after.failed} of ${after.requests} requests failed: ${after.firstFailure}`);
        return `refused with exit code ${run.exitCode}, the old release answers (${during.failed} of ${during.requests} requests met the broken one)`;
      });
    }

    await steps.step("the app is put back; pulumi up does nothing", async () => {
      await site.mend();
      succeeded(await up("--expect-no-changes"));
      return verify(texts.second);
    });

    if (keep) return outputs;

    await steps.step("pulumi destroy", async () => {
      await stopProbes();
      succeeded(await engine.run(["destroy", "--yes", "--skip-preview"]));
      const left = [...(await engine.resources()), ...(await cloudLeftovers(lab.env))].filter((urn) => !urn.includes("pulumi:pulumi:Stack"));
      hold(left.length === 0, `this is left: ${left.join(", ")}`);
      return "nothing left in the stack and at the cloud";
    });

    await steps.step("lab reset", async () => {
      await reset({ folder, say });
      const left = await labLeftovers(lab.places);
      hold(left.length === 0, `this is left: ${left.join(", ")}`);
      return "no process, namespace or folder left";
    });
    return outputs;
  } finally {
    await stopProbes();
  }

  async function stopProbes(): Promise<void> {
    await Promise.all(probes.map((probe) => probe.stop()));
    probes = [];
  }
}

function succeeded(run: EngineRun): void {
  hold(run.exitCode === 0, `pulumi ended with ${run.exitCode}:\n${lastLines(run.output, 25)}`);
}

async function fetchPage(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const body = await response.text();
  hold(response.ok, `${url} answered ${response.status}: ${excerpt(body)}`);
  return body;
}

const excerpt = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 200);
const shortPath = (path: string): string => path.replace(/^\/nix\/store\/(.{8}).*?-/, "$1…-");
const withoutKey = ({ hosts, pricePerMonth }: StackOutputs) => ({ hosts, pricePerMonth });
const same = (a: StackOutputs, b: StackOutputs): boolean => JSON.stringify(withoutKey(a)) === JSON.stringify(withoutKey(b));

const sum = (counts: readonly ProbeCount[]): ProbeCount =>
  counts.reduce((total, count) => ({
    requests: total.requests + count.requests,
    failed: total.failed + count.failed,
    firstFailure: total.firstFailure ?? count.firstFailure,
    slowest: Math.max(total.slowest, count.slowest),
  }));
