import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { datedCatalogue } from "../../config/catalogue.ts";
import { serverName } from "../../config/checks/context.ts";
import { flyPackages } from "../../config/fly-images.ts";
import { describeBilled } from "../../config/fly-sizes.ts";
import { imageUses, packagesOf } from "../../config/images.ts";
import {
  describePrices,
  priceHost,
  priceLoadBalancers,
  priceRunning,
  sumPrices,
} from "../../config/prices.ts";
import { ConfigurationError, type Problem } from "../../config/problems.ts";
import { readConfig } from "../../config/read-config.ts";
import type { CloudView } from "../../config/running.ts";
import { encrypted } from "../../config/secrets.ts";
import type { StackConfig } from "../../config/stack.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { lookAtCloud } from "../../deployer/hetzner/look.ts";
import { checkToken, usesHetzner } from "../../deployer/hetzner/token.ts";
import { planFromFlake } from "../../deployer/plan-from-flake.ts";
import { NotStarted, run } from "../../deployer/process.ts";
import { hetznerAccessOf } from "../hetzner-access.ts";
import { type Project, projectOf, readYaml, stackFile, stackFileOf } from "../project.ts";
import { print, say } from "../say.ts";
import { nameOfFile } from "../stack-name.ts";
import { type CheckReport, describeReport } from "./report.ts";

export interface CheckOptions {
  json?: true;
}

/**
 * Look at a stack's configuration, its flake and its prices, and tell everything that is wrong. Changes nothing anywhere.
 * @param selected the stack's name; the selected one's, or that of the only stack file, when absent
 * @returns 0 when nothing is wrong
 */
export async function check(selected: string | undefined, { json }: CheckOptions): Promise<number> {
  const project = projectOf(process.cwd());
  const report = await checkStack(project, await nameOfFile(selected, project));
  print(json ? `${JSON.stringify(report, undefined, 2)}\n` : describeReport(report));
  return report.ok ? 0 : 1;
}

/** See `check`. */
export async function checkStack(project: Project, stack: string): Promise<CheckReport> {
  const path = stackFileOf(project, stack);
  const file = relative(project.folder, path);
  const empty = {
    stack,
    file,
    ok: false,
    flake: { reference: "", systems: null },
    price: null,
    notes: [],
  } satisfies Partial<CheckReport>;

  const yaml = readYaml(path);
  if (yaml.problems.length > 0)
    return { ...empty, problems: yaml.problems.map((message) => ({ path: file, message })) };
  const { values, secretKeys } = stackFile(yaml.value, project.name);
  const hidden = Object.keys(values).find(
    (key) => key.startsWith("berth:") && key !== "berth:flyToken" && values[key] === encrypted,
  );
  // A token is one text; anything else that is encrypted as a whole hides what it holds.
  if (hidden !== undefined)
    throw new Failure({
      tried: `check ${file}`,
      cameBack: `${hidden} is encrypted as a whole, so that nobody sees what is in it`,
      next: `set what is secret in it by itself, pulumi config set --secret --path '${hidden}.NAME'; pulumi preview looks at it as it is`,
    });
  try {
    const { config, problems, notes } = readConfig(stack, values, {
      isSecret: (key) => secretKeys.includes(key),
      readFile: (name) => readFileSync(resolve(project.folder, name), "utf8"),
    });
    const cloud = await tryCloud(project, stack, config, values);
    const looked = await lookFurther(project, stack, { config, problems, cloud: cloud.view });
    const all = [...looked.problems, ...cloud.problems];
    return {
      ...looked,
      stack,
      file,
      ok: all.length === 0,
      problems: all,
      notes: [...notes, ...cloud.notes, ...looked.notes],
    };
  } catch (error) {
    if (error instanceof ConfigurationError) return { ...empty, problems: [...error.problems] };
    throw error;
  }
}

interface Read {
  config: StackConfig;
  problems: readonly Problem[];
  cloud: CloudView | null;
}

type Looked = Pick<CheckReport, "flake" | "price" | "notes" | "problems">;

/** Flake, plan and price. */
async function lookFurther(project: Project, stack: string, read: Read): Promise<Looked> {
  const { config, problems, cloud } = read;
  const reference = config.flake;
  const priceAlone = priceWithoutPlan(config, cloud);
  const fallback = { price: priceAlone, notes: [] };
  const unknown = await whyNotEvaluated(config);
  if (unknown !== undefined)
    return { ...fallback, flake: { reference, systems: null, unknown }, problems: [...problems] };
  try {
    const { plan, manifest, catalogue } = await planFromFlake({
      stack,
      config,
      problems,
      readCloud: async () => cloud,
      cwd: project.folder,
      now: new Date(),
    });
    const running = cloud && priceRunning(catalogue, cloud.running);
    return {
      flake: { reference, systems: systemsOf(manifest) },
      price: {
        currency: plan.currency,
        monthly: plan.monthly,
        from: plan.pricesFrom,
        lines: [
          ...(plan.hosts.length + plan.price.length > 0 ? describePrices(plan, running) : []),
          ...billedAtFly(config),
        ],
      },
      notes: plan.notes,
      problems: [],
    };
  } catch (error) {
    if (error instanceof ConfigurationError)
      return { ...fallback, flake: { reference, systems: null }, problems: [...error.problems] };
    if (!(error instanceof Failure)) throw error;
    const message = `${error.tried}: ${error.cameBack.trimEnd()}. Next: ${error.next}`;
    return {
      ...fallback,
      flake: { reference, systems: null },
      problems: [...problems, { path: "berth:flake", message }],
    };
  }
}

const systemsOf = (manifest: Readonly<Record<string, { system: string }>>): Record<string, string> =>
  Object.fromEntries(Object.entries(manifest).map(([name, { system }]) => [name, system]));

const billedAtFly = (config: StackConfig): string[] =>
  Object.entries(config.fly).map(([name, app]) => describeBilled(name, app));

/** Why the flake is not looked at; undefined where it is, or where the stack has nothing from it. */
async function whyNotEvaluated(config: StackConfig): Promise<string | undefined> {
  const images = [...packagesOf(imageUses(config, {})), ...flyPackages(config.fly)];
  if (Object.keys(config.hosts).length + images.length === 0) return undefined;
  try {
    await run("nix", ["--version"], { deadline: 10_000 });
    return undefined;
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    return "Nix is not on PATH, so whether the systems are there and fit the servers is not known: nixos.org/download, then run this again.";
  }
}

/** What the servers cost, whatever the flake says. */
function priceWithoutPlan(config: StackConfig, cloud: CloudView | null): CheckReport["price"] {
  const catalogue = cloud?.catalogue ?? datedCatalogue;
  const hosts = Object.entries(config.hosts).map(([name, settings]) => ({
    name,
    price: priceHost(catalogue, settings),
  }));
  const price = priceLoadBalancers(catalogue, config.loadBalancers);
  const { monthly } = sumPrices([...hosts.flatMap((host) => host.price), ...price]);
  const plan = { hosts, price, monthly, currency: catalogue.currency, pricesFrom: catalogue.source };
  const lines =
    hosts.length + price.length > 0
      ? describePrices(plan, cloud && priceRunning(catalogue, cloud.running))
      : [];
  return {
    currency: plan.currency,
    monthly,
    from: plan.pricesFrom,
    lines: [...lines, ...billedAtFly(config)],
  };
}

/** What Hetzner says, where there is a token to ask with. Every request only reads. */
async function tryCloud(
  project: Project,
  stack: string,
  config: StackConfig,
  values: Readonly<Record<string, string>>,
): Promise<{ view: CloudView | null; notes: string[]; problems: Problem[] }> {
  if (!usesHetzner(config)) return { view: null, notes: [], problems: [] };
  const access = await hetznerAccessOf(project.folder, stack, values);
  if (access.token === undefined)
    return { view: null, notes: [`Hetzner was not asked: ${access.because}.`], problems: [] };
  const { token, endpoint } = access;
  try {
    checkToken(token.value, token.from);
    const servers = Object.entries(config.hosts)
      .filter(([, { server }]) => server !== undefined)
      .map(([host]) => serverName(stack, host));
    const view = await lookAtCloud({
      token: token.value,
      tokenFrom: token.from,
      endpoint,
      stack,
      servers,
      askRights: false,
      say,
    });
    return { view, notes: [], problems: [] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { view: null, notes: [], problems: [{ path: token.from, message: messageOf(error) }] };
  }
}
