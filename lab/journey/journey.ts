import { setTimeout as sleep } from "node:timers/promises";
import { evaluateManifest } from "../../deployer/nix/evaluate.ts";
import { lastLines } from "../../deployer/process.ts";
import { type Lab, up as labUp, reset } from "../lab.ts";
import { currentSystem } from "./host.ts";
import type { Journal } from "./journal.ts";
import { cloudLeftovers, labLeftovers } from "./leftovers.ts";
import { fetchPage, heading } from "./page.ts";
import { Probe, type ProbeCount, sumCounts } from "./probe.ts";
import { Engine, type EngineRun, type StackOutputs } from "./pulumi.ts";
import { Site } from "./site.ts";
import { hold, Steps } from "./steps.ts";

/** The system that the lab's hosts run, by its name in the flake. */
const LAB_SYSTEM = "web";

export interface JourneyOptions {
  /** The lab's folder. */
  folder: string;
  /** The checkout, where Pulumi.yaml is. */
  project: string;
  journal: Journal;
  print: (line: string) => void;
  /** Called once the lab is up, before the first update: a test may change the stack's configuration. */
  prepare?: (lab: Lab) => Promise<void>;
}

/**
 * The main job: order, install, deploy, change, survive a bad release (`there`), tear down (`back`).
 * Every release carries a text of its own that HTTP must return, and every host must run the very path that was evaluated.
 * A step that does not hold throws and ends the run.
 */
export class Journey {
  readonly #options: JourneyOptions;
  readonly #steps: Steps;
  readonly #say: (line: string) => void;
  #probes: Probe[] = [];
  /** Set by the first step. */
  lab!: Lab;
  engine!: Engine;
  site!: Site;
  /** The stack's outputs after the last update that succeeded. */
  outputs!: StackOutputs;

  constructor(options: JourneyOptions) {
    this.#options = options;
    this.#steps = new Steps(options.journal, options.print);
    this.#say = (line) => options.print(`     ${line}`);
  }

  /** Up to a host that has survived a broken release. */
  async there(): Promise<void> {
    const steps = this.#steps;
    await steps.step("lab up", () => this.#labUp());
    await steps.step("pulumi up: order, install, deploy", () => this.#firstUpdate());
    await steps.step("the page", () => this.#showPage());
    await steps.step("the app is changed; pulumi preview", () => this.#preview());
    await steps.step("pulumi up: the new version", () => this.#secondUpdate());
    await steps.step("pulumi up: a broken release", () => this.#brokenUpdate("broken"));
    await steps.step("pulumi up: the same again", () => this.#brokenUpdate("again"));
    await steps.step("the app is put back; pulumi up does nothing", () => this.#unchanged());
  }

  /** Down to nothing. */
  async back(): Promise<void> {
    await this.#steps.step("pulumi destroy", () => this.#destroy());
    await this.#steps.step("lab reset", () => this.#reset());
  }

  /** End what runs beside the steps. */
  async stop(): Promise<void> {
    const probes = this.#probes;
    this.#probes = [];
    await Promise.all(probes.map((probe) => probe.stop()));
  }

  /** `pulumi up` as the main job runs it. */
  up(...args: string[]): Promise<EngineRun> {
    return this.engine.run(["up", "--yes", "--skip-preview", ...args]);
  }

  /** After an update that succeeded: the state names the very path that the flake evaluates to, and the hosts run it. */
  async #verifyEvaluated(): Promise<string> {
    const manifest = await evaluateManifest(`path:${this.lab.places.flake}`, { cwd: this.#options.project });
    const seen = await this.verify(this.site.text);
    for (const [name, { release }] of Object.entries(this.outputs.hosts)) {
      const evaluated = manifest[LAB_SYSTEM]?.toplevel.out;
      hold(
        release === evaluated,
        `the state has ${release} for ${name}, the flake evaluates to ${evaluated}`,
      );
    }
    return seen;
  }

  /** Every host is on the release that the state names and answers with the given text. */
  async verify(text: string): Promise<string> {
    this.outputs = await this.engine.outputs();
    const hosts = Object.entries(this.outputs.hosts);
    await Promise.all(
      hosts.map(async ([name, host]) => {
        for (const url of urlsOf(host)) {
          const page = await fetchPage(url);
          hold(page.includes(text), `${url} does not show ${text}, but "${heading(page)}"`);
        }
        const current = await currentSystem(name, this.outputs);
        hold(current === host.release, `${name} runs ${current}, not ${host.release}`);
      }),
    );
    return hosts.map(([name, { release }]) => `${name} runs ${shortPath(release)}`).join(", ");
  }

  async #labUp(): Promise<string> {
    const { folder, project, prepare } = this.#options;
    this.lab = await labUp({ folder, say: this.#say });
    this.engine = new Engine(project, this.lab.env, this.#say);
    this.site = new Site(`${this.lab.places.flake}/site`);
    await prepare?.(this.lab);
    return `Hetzner's API at ${this.lab.env.HCLOUD_ENDPOINT}`;
  }

  async #firstUpdate(): Promise<string> {
    const text = await this.site.change("Moored and in service.");
    succeeded(await this.up());
    const seen = await this.#verifyEvaluated();
    this.#probes = Object.values(this.outputs.hosts).map(({ url }) => new Probe(url));
    this.#note("first", { text });
    return `${seen}, ${this.outputs.pricePerMonth.toFixed(2)} EUR a month if it were real`;
  }

  async #showPage(): Promise<string> {
    const pages = Object.values(this.outputs.hosts)
      .flatMap(urlsOf)
      .map(async (url) => `${url} says "${heading(await fetchPage(url))}"`);
    return (await Promise.all(pages)).join(", ");
  }

  async #preview(): Promise<string> {
    await this.site.change("Moored, in service, and changed.");
    const touched = await this.engine.preview();
    for (const { op, urn, oldInputs, newInputs } of touched) {
      this.#say(`${op} ${urn.split("::").at(-1)}`);
      if (oldInputs.toplevel !== newInputs.toplevel)
        this.#say(`  toplevel ${oldInputs.toplevel} -> ${newInputs.toplevel}`);
    }
    const isDeployment = (urn: string) => urn.includes("berth:deploy:Deployment::");
    const switched = touched.filter(
      ({ urn, op, changed }) => isDeployment(urn) && op === "update" && changed.includes("toplevel"),
    );
    const hosts = Object.keys(this.outputs.hosts).length;
    hold(
      switched.length === hosts,
      `expected an update of ${hosts} deployments, the preview has ${switched.length}`,
    );
    const others = touched.filter(({ urn }) => !isDeployment(urn) && !urn.includes("pulumi:pulumi:Stack"));
    hold(
      others.length === 0,
      `the preview would also ${others.map(({ op, urn }) => `${op} ${urn}`).join(", ")}`,
    );
    return `${switched.length} of ${hosts} hosts would switch, nothing else changes`;
  }

  async #secondUpdate(): Promise<string> {
    this.#takeProbes();
    succeeded(await this.up());
    const seen = await this.#verifyEvaluated();
    const count = this.#takeProbes();
    this.#note("second", { text: this.site.text, probe: count });
    hold(count.requests > 0, "the probe asked nothing");
    hold(count.failed === 0, `${count.failed} of ${count.requests} requests failed: ${count.firstFailure}`);
    return `${seen}; none of ${count.requests} requests failed, the slowest took ${count.slowest} ms`;
  }

  async #brokenUpdate(name: string): Promise<string> {
    const good = this.outputs;
    await this.site.break();
    this.#takeProbes();
    const run = await this.up();
    hold(run.exitCode !== 0, "pulumi up ended with 0 although the release is broken");
    explained(run, good);
    // A probe's request may still be with the instance that is going.
    await sleep(200);
    const during = this.#takeProbes();
    hold(during.failed === 0, `${during.failed} of ${during.requests} requests met the broken release`);
    await this.verify(this.site.text);
    hold(same(good, this.outputs), "the stack's outputs changed although the update failed");
    await sleep(500);
    const after = this.#takeProbes();
    this.#note(name, { exitCode: run.exitCode, during, after });
    hold(
      after.failed === 0 && after.requests > 0,
      `after the way back ${after.failed} of ${after.requests} requests failed: ${after.firstFailure}`,
    );
    return `refused with exit code ${run.exitCode}, the old release answered all of ${during.requests} requests`;
  }

  async #unchanged(): Promise<string> {
    await this.site.mend();
    succeeded(await this.up("--expect-no-changes"));
    return this.#verifyEvaluated();
  }

  async #destroy(): Promise<string> {
    await this.stop();
    succeeded(await this.engine.run(["destroy", "--yes", "--skip-preview"]));
    const left = [...(await this.engine.resources()), ...(await cloudLeftovers(this.lab.env))];
    hold(left.length === 0, `this is left: ${left.join(", ")}`);
    return "nothing left in the stack and at the cloud";
  }

  async #reset(): Promise<string> {
    await reset({ folder: this.#options.folder, say: this.#say });
    const left = await labLeftovers(this.lab.places);
    hold(left.length === 0, `this is left: ${left.join(", ")}`);
    return "no process, namespace or folder left";
  }

  #takeProbes(): ProbeCount {
    return sumCounts(this.#probes.map((probe) => probe.take()));
  }

  #note(name: string, facts: Record<string, unknown>): void {
    this.#options.journal.note({ [name]: { ...facts, ...withoutKey(this.outputs) } });
  }
}

function succeeded(run: EngineRun): void {
  hold(run.exitCode === 0, `pulumi ended with ${run.exitCode}:\n${lastLines(run.output, 25)}`);
}

/** The update must say for every host why it failed and that it was seen to be back. */
function explained(run: EngineRun, good: StackOutputs): void {
  const flat = run.output.replaceAll(/\s+/g, " ");
  for (const [name, { release }] of Object.entries(good.hosts)) {
    const reason = new RegExp(
      `${name} \\([^)]*\\): the new system did not become healthy: these units failed: site\\.service .*GET \\S+ answered 500`,
    );
    hold(reason.test(flat), `no reason given for ${name}:\n${lastLines(run.output, 20)}`);
    hold(
      flat.includes(`Rolled back to ${release}`),
      `it does not say that ${name} was rolled back:\n${lastLines(run.output, 20)}`,
    );
  }
}

/** Where a host's page is: as people reach it, and at its IPv6 address. */
const urlsOf = ({ url, ipv6Address }: StackOutputs["hosts"][string]): string[] =>
  ipv6Address === "" ? [url] : [url, `http://[${ipv6Address}]/`];

const shortPath = (path: string): string => path.replace(/^\/nix\/store\/(.{8}).*?-/, "$1…-");
const withoutKey = ({ hosts, pricePerMonth }: StackOutputs) => ({ hosts, pricePerMonth });
const same = (a: StackOutputs, b: StackOutputs): boolean =>
  JSON.stringify(withoutKey(a)) === JSON.stringify(withoutKey(b));
