import { z } from "zod";
import { type HealthCheck, healthCheck } from "../config/manifest.ts";
import { mayReboot } from "../config/reboot.ts";
import { Failure, messageIn } from "../deployer/failure.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { ownerOf } from "../deployer/owner.ts";
import { run } from "../deployer/process.ts";
import { chooseGeneration, type Generation } from "../deployer/release/generations.ts";
import { type Hold, parseHold } from "../deployer/release/hold.ts";
import { release } from "../deployer/release/release.ts";
import { type Answer, remote } from "../deployer/remote/scripts.ts";
import { Turns } from "../deployer/rollout/turns.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import { asJson } from "./as-json.ts";
import { agrees } from "./ask.ts";
import { type KnownDeployment, readDeployments } from "./deployments.ts";
import { resetOf } from "./hetzner.ts";
import { interruptible } from "./interruptible.ts";
import { releasesIn } from "./releases.ts";
import { print, say } from "./say.ts";
import { hostOf, type StackHost, type StackView, targetOf } from "./stack.ts";
import { shortPath } from "./summary-table.ts";
import { table } from "./table.ts";

export interface RollbackOptions {
  /** Number of the generation to return to. @default the release before the one that runs */
  to?: number;
  /** List what there is to return to, and change nothing. */
  list?: boolean;
  /** The list for programs. */
  json?: boolean;
  /** Written on the host beside who and when. */
  why?: string;
  /** Boot it, on trial, where only that puts it in force, whatever the stack's `reboot` says. */
  reboot?: boolean;
  /** Ask nothing. */
  yes?: boolean;
}

type Told = Answer<"generations">;

/** Milliseconds a host has to say what it can return to. */
const lookDeadline = 20_000;

/**
 * Return one host, or all of them that run the release that is left, to an earlier release: on trial, with the checks it was kept with
 * before, kept when healthy. The release that was left is held on the host until a newer one comes, or `berth unhold`.
 * @returns 0 when every host is on the release it was to return to, and one at least was returned
 */
export async function rollback(
  stack: StackView,
  name: string | undefined,
  options: RollbackOptions,
): Promise<number> {
  const names = name === undefined ? Object.keys(stack.hosts) : [name];
  for (const one of names) hostOf(stack, one);
  const known = await readDeployments(stack.name);
  const sessions = await Promise.all(names.map((one) => SshSession.create(targetOf(stack, one))));
  try {
    const hosts = await Promise.all(sessions.map((session) => choose(session, options)));
    if (options.list) {
      const well = hosts.every(({ told }) => told !== undefined);
      if (options.json) print(asJson("rollback", stack.name, hosts.map(returnableOf), { well }));
      else for (const host of hosts) print(listing(host));
      return well ? 0 : 1;
    }
    const several = names.length > 1 && options.to === undefined;
    const stays = new Map(
      hosts.flatMap(({ name: one, told }) => {
        const why = several && told ? whyLeft(told, hostOf(stack, one), known[one]) : undefined;
        return why === undefined ? [] : [[one, why]];
      }),
    );
    const chosen = hosts.filter((host): host is Chosen => host.to !== undefined && !stays.has(host.name));
    for (const host of hosts) {
      const why = stays.get(host.name) ?? describeRefusal(host);
      if (why !== undefined) say(`${host.name}: ${why}`);
    }
    for (const { name: one, told, to } of chosen) say(`${one}: ${describeStep(told, to)}`);
    if (chosen.length === 0) return 1;
    if (name === undefined && !(await agreed(options, chosen.length))) return 1;
    const done = await interruptible((signal) => returnAll(stack, chosen, known, { ...options, signal }));
    await tellState(
      stack,
      chosen.map(({ name: one }) => known[one]?.urn).filter((urn) => urn !== undefined),
    );
    return done && chosen.length === hosts.length - stays.size ? 0 : 1;
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** Have the stack's state know what the hosts run now: the next preview tells it. */
export async function tellState(stack: StackView, urns: readonly string[]): Promise<void> {
  if (urns.length === 0) return;
  const targets = urns.flatMap((urn) => ["--target", urn]);
  const args = ["refresh", "--yes", "--skip-preview", "--non-interactive", "-s", stack.name, ...targets];
  const ended = await run("pulumi", args, { deadline: 180_000 }).catch((error: unknown) => error);
  if (typeof ended === "object" && ended !== null && "exitCode" in ended && ended.exitCode === 0) return;
  say("the stack's state does not know yet what runs there: run pulumi refresh");
}

interface Host {
  name: string;
  session: SshSession;
  told?: Told;
  to?: Generation;
  refused?: string;
}
type Chosen = Host & { told: Told; to: Generation };

async function choose(session: SshSession, { to: number, reboot }: RollbackOptions): Promise<Host> {
  const { host: name } = session.target;
  try {
    const told = await remote(session, "generations", {}, { deadline: lookDeadline });
    const held = parseHold(told.held);
    const choice = chooseGeneration(told.generations, {
      current: told.current,
      held: held !== undefined && held.toplevel !== told.current,
      settled: told.profile === told.current,
      number,
      reboot,
    });
    return { name, session, told, ...choice };
  } catch (error) {
    return { name, session, refused: messageIn("berth rollback", error) };
  }
}

/**
 * Why a host is left as it is where all are rolled back: it does not run the release that the others leave, and one step back would take it
 * one further than them. Undefined where it does run that. Pure.
 * @param outputs what the last update told of it: words in place of a release that it did not get
 */
export function whyLeft(
  { current, held }: Pick<Told, "current" | "held">,
  outputs: Pick<StackHost, "release">,
  deployed: { inputs: Pick<KnownDeployment["inputs"], "toplevel"> } | undefined,
): string | undefined {
  const mark = parseHold(held);
  const isBack = mark !== undefined && mark.toplevel !== current;
  // The state of a host that refused a release knows the one before as wanted.
  const refused = !outputs.release.startsWith("/nix/store/");
  const other = deployed !== undefined && deployed.inputs.toplevel !== current;
  if (!isBack && !refused && !other) return undefined;
  return `it already runs ${shortPath(current ?? undefined)}, not the release that is left; name it to roll it back further`;
}

/** Why a host is not rolled back, and what that means for one that does not answer; undefined where it can be. Pure. */
export function describeRefusal({ name, told, refused }: Pick<Host, "name" | "told" | "refused">) {
  if (refused === undefined || told) return refused;
  return `${refused} It was not rolled back: it comes back on the release that it ran, which nothing holds; berth rollback ${name} once it answers`;
}

/** What a host can return to. */
function returnableOf({ name, told, refused }: Pick<Host, "name" | "told" | "refused">) {
  if (!told) return { host: name, error: refused ?? "it said nothing", releases: [] };
  return { host: name, releases: releasesIn(told) };
}

/** The same for people. */
function listing(host: Pick<Host, "name" | "told" | "refused">): string {
  const { host: name, error, releases } = returnableOf(host);
  if (error !== undefined) return `${name}: ${error}\n`;
  const rows = releases.map(({ generation, keptAt, label, release, ...marks }) => [
    String(generation),
    age(Date.parse(keptAt) / 1000),
    label ?? "",
    shortPath(release),
    (["runs", "boots", "held"] as const).filter((mark) => marks[mark]).join(", "),
  ]);
  return `${name}\n${table(["generation", "kept", "label", "release", "now"], rows)}`;
}

/** "3 h ago" */
export function age(at: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round(now / 1000 - at));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

const describeStep = ({ current }: Told, to: Generation): string =>
  `${shortPath(current ?? undefined)} → ${shortPath(to.toplevel)}, generation ${to.number}, kept ${age(to.at)}`;

async function agreed({ yes }: RollbackOptions, count: number): Promise<boolean> {
  const answer = yes || (await agrees(`Roll back ${count} hosts?`));
  if (answer !== undefined) return answer;
  throw new Failure({
    tried: `roll back ${count} hosts`,
    cameBack: "there is nobody to ask",
    next: "name one host, or say --yes",
  });
}

/** All of them, as many on trial at a time as in an update. Whether each is where it was to go. */
async function returnAll(
  stack: StackView,
  hosts: readonly Chosen[],
  known: Readonly<Record<string, KnownDeployment>>,
  options: RollbackOptions & { signal: AbortSignal },
): Promise<boolean> {
  const turns = new Turns();
  const results = await Promise.all(
    hosts.map(async (host) => {
      const deployed = known[host.name];
      const most = deployed?.inputs.maxUnavailable ?? hosts.length;
      try {
        await returnTo(stack, host, deployed, options, () =>
          turns.take(host.name, most, { signal: options.signal }),
        );
        say(`${host.name}: runs ${host.to.toplevel}; the next update leaves it there until a newer release`);
        return true;
      } catch (error) {
        say(messageIn(`berth rollback ${host.name} --to ${host.to.number}`, error));
        return false;
      }
    }),
  );
  return results.every(Boolean);
}

const healthChecks = z.array(healthCheck);

/**
 * The checks that a release was kept with: those of another one may ask for that one's answer. Where none are known, the latter without the
 * texts that they want.
 */
export function checksOf(
  { checks }: Pick<Generation, "checks">,
  others: readonly HealthCheck[],
): HealthCheck[] {
  const own = healthChecks.safeParse(jsonOrUndefined(checks ?? ""));
  if (own.success) return own.data;
  return others.map((check) => {
    const { body: _, ...rest } = { body: undefined, ...check };
    return rest as HealthCheck;
  });
}

async function returnTo(
  stack: StackView,
  { name, session, told, to }: Chosen,
  deployed: KnownDeployment | undefined,
  { why, reboot = false, signal }: RollbackOptions & { signal: AbortSignal },
  turn: () => Promise<() => void>,
): Promise<void> {
  if (!deployed)
    throw new Failure({
      host: session.label,
      tried: "roll it back",
      cameBack:
        "the stack's state does not know how it was deployed, and so not how to tell that it is healthy",
      next: `berth ssh ${name}; ${to.toplevel}/bin/switch-to-configuration switches it without a way back`,
    });
  const { system, healthDeadline, ipv6Address, toplevel } = deployed.inputs;
  const health = checksOf(to, deployed.inputs.health);
  const owner = ownerOf(stack.name, "rolling back");
  const hold = to.toplevel === toplevel ? undefined : holdFor(stack, told, { to, toplevel, why });
  const reset = resetOf(stack.name, hostOf(stack, name), say);
  const { rebootDue } = await release(
    session,
    {
      drvPath: "",
      toplevel: to.toplevel,
      system,
      health,
      healthDeadline,
      owner,
      onHost: true,
      // What else may be returned to is for the next update to forget.
      keep: "all",
      thoughHeld: true,
      reboot: reboot || mayReboot(deployed.inputs.reboot ?? { when: "told" }, new Date()),
      rebootWith: `berth rollback ${name} --to ${to.number} --reboot boots it, on trial`,
      ...(reset ? { reset } : {}),
      ...(ipv6Address ? { ipv6Address } : {}),
      ...(hold ? { hold } : {}),
    },
    { status: (line) => say(`${name}: ${line}`), warn: (line) => say(`${name}: ${line}`), turn, signal },
  );
  if (rebootDue.length > 0)
    say(
      `${name}: a reboot is due (${rebootDue.join(", ")}); berth rollback ${name} --to ${await newestOf(session, to)} --reboot boots it, on trial`,
    );
}

/** What the host is not to return to by itself. */
function holdFor(
  stack: StackView,
  { held, current }: Told,
  { to, toplevel, why }: { to: Generation; toplevel: string; why: string | undefined },
): Hold | undefined {
  const before = parseHold(held);
  // It is only rebooted: what was held is held.
  if (to.toplevel === current) return before;
  return {
    // A second step back still holds the release that is wanted, and so would come again.
    toplevel: before?.toplevel === toplevel ? toplevel : (current ?? toplevel),
    since: new Date().toISOString().replace(/\.\d+/, ""),
    by: ownerOf(stack.name),
    ...(why ? { why } : {}),
  };
}

/** The number that a release has now: it was kept anew, and the one before may have gone. */
async function newestOf(session: SshSession, { toplevel, number }: Generation): Promise<number> {
  const told = await remote(session, "generations", {}, { deadline: lookDeadline }).catch(() => undefined);
  const same = told?.generations.filter((one) => one.toplevel === toplevel).map((one) => one.number) ?? [];
  return Math.max(number, ...same);
}
