import { z } from "zod";
import { healthCheck } from "../../config/manifest.ts";
import { describeReboot, mayReboot, rebootPolicy } from "../../config/reboot.ts";
import { foresee } from "../../deployer/compare/foresee.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { ownerOf } from "../../deployer/owner.ts";
import { bootDefaultOf, driftOf, leftAlone } from "../../deployer/release/drift.ts";
import { foreseeHold, parseHold } from "../../deployer/release/hold.ts";
import { release } from "../../deployer/release/release.ts";
import { remote } from "../../deployer/remote/scripts.ts";
import { keepOutOfRecords } from "../../deployer/runs/record.ts";
import type { CallContext, Properties, UpdatableHandler } from "../framework/types.ts";
import { buildHooks, buildSettings, forgetReleases, hostBuilds } from "./builds.ts";
import { deploymentDiff, rebootsNow } from "./deployment-diff.ts";
import { inTurn } from "./in-turn.ts";
import { resetServer } from "./server-power.ts";
import { sessionOf, wayToHost } from "./sessions.ts";

const inputs = wayToHost.extend({
  machineId: z.string(),
  system: z.string(),
  toplevel: z.string(),
  drvPath: z.string(),
  health: z.array(healthCheck),
  ipv6Address: z.string().optional(),
  healthDeadline: z.number().int().positive(),
  healthyFor: z.number().int().nonnegative().optional(),
  drift: z.enum(["repair", "report"]).optional(),
  reboot: rebootPolicy.optional(),
  before: z.strictObject({ command: z.string(), seconds: z.number().int().positive() }).optional(),
  rollback: z.enum(["auto", "never"]).optional(),
  power: z.strictObject({ serverId: z.string(), token: z.string(), endpoint: z.string() }).optional(),
  maxUnavailable: z.number().int().positive().optional(),
  builds: hostBuilds.optional(),
  credentials: z
    .strictObject({ revision: z.string(), names: z.record(z.string(), z.array(z.string())) })
    .optional(),
});
type Inputs = z.infer<typeof inputs>;

async function deploy(wanted: Inputs, call: CallContext, runs?: unknown): Promise<Properties> {
  const session = await sessionOf(wanted);
  const started = Date.now();
  const {
    ipv6Address,
    credentials,
    maxUnavailable: _,
    builds: __,
    drift: ___,
    reboot = { when: "told" },
    power,
    ...rest
  } = wanted;
  keepOutOfRecords([power?.token, rest.loginKey]);
  const released = await inTurn(wanted, call, (hooks) =>
    release(
      session,
      {
        ...rest,
        ...(ipv6Address ? { ipv6Address } : {}),
        ...(credentials ? { credentials: credentials.names } : {}),
        ...buildSettings(wanted),
        ...(typeof runs === "string" ? { runs } : {}),
        reboot: mayReboot(reboot, new Date()),
        ...(power ? { reset: () => resetServer(power, call) } : {}),
        owner: ownerOf(wanted.stack),
      },
      { ...hooks, ...buildHooks(wanted, call) },
    ),
  );
  if (released.held) {
    const { held, toplevel: runs } = released;
    const told = foreseeHold(held, { host: wanted.host, runs, wanted: wanted.toplevel });
    call.log("warning", `${session.label}: ${told}`);
    return { release: runs, bootDefault: runs, previous: runs, held: { ...held } };
  }
  const what = released.previous === released.toplevel ? "verified" : "live";
  call.log(
    "info",
    `${session.label}: ${released.toplevel} ${what} after ${((Date.now() - started) / 1000).toFixed(1)} s`,
  );
  const { toplevel, previous, rebootDue } = released;
  if (rebootDue.length > 0)
    call.log(
      "warning",
      `${session.label}: a reboot is due (${rebootDue.join(", ")}); ${describeReboot(reboot)}`,
    );
  return { release: toplevel, bootDefault: toplevel, previous, rebootDue: [...rebootDue] };
}

/** An import brings an id alone, which is no way to a host; and a host that runs needs none. */
const notImported = (id: string): Failure =>
  new Failure({
    tried: `import ${id}`,
    cameBack: "a Deployment is not imported, as its id does not tell how its host is reached",
    next: "run pulumi up: it finds the release that runs, verifies it and takes it over, without switching it",
  });

/** What becomes of a host that was switched by hand. */
const afterwards = ({ drift }: Inputs): string =>
  drift === "report"
    ? "; it is left so until there is another release (drift: report)"
    : "; the next pulumi up puts that right, unless the stack says drift: report by then";

/** What a look at the host has found, as the state has it. */
const seenIn = (old: Properties = {}): Properties =>
  Object.fromEntries(
    ["release", "bootDefault", "previous", "held"].flatMap((key) => (key in old ? [[key, old[key]]] : [])),
  );

/** What an update undoes that was seen on a host. Pure. */
export function returnsFrom(
  old: Properties | undefined,
  toplevel: string,
  runs: string | undefined,
): string[] {
  const left = old?.["toplevel"];
  const boots = old?.["bootDefault"];
  if (runs !== undefined && runs !== left)
    return [
      runs === toplevel
        ? `somebody has it run ${toplevel} already`
        : `it was seen to run ${runs}; this update returns it to ${toplevel}`,
    ];
  if (runs !== undefined && typeof boots === "string" && boots !== left && boots !== toplevel)
    return [`its next boot was seen to start ${boots}; this update has it start ${toplevel}`];
  return [];
}

/**
 * The system a host runs. Refreshing reads the host: a switch by hand shows as another `release`.
 * A host that does not answer keeps its old state, with a warning.
 */
export const deployment: UpdatableHandler = {
  ...deploymentDiff,

  async preview(news, old, call) {
    const { host, toplevel } = news;
    if (typeof toplevel === "string") {
      // On another machine, and on one that is installed anew, nothing runs yet.
      const stays = old?.["machineId"] === undefined || old["machineId"] === news["machineId"];
      const before = stays && typeof old?.["release"] === "string" ? old["release"] : undefined;
      const held = parseHold(JSON.stringify(old?.["held"]));
      const known = { host: String(host), runs: before ?? "", wanted: toplevel };
      const left = old === undefined ? undefined : leftAlone(news, old);
      if (held) call.log("warning", `${known.host}: ${foreseeHold(held, known)}`);
      else if (left !== undefined) call.log("info", `${known.host}: ${left}`);
      else for (const line of returnsFrom(old, toplevel, before)) call.log("info", `${known.host}: ${line}`);
      if (held?.toplevel === toplevel || left !== undefined) return { ...news, ...seenIn(old) };
      call.log("info", `${known.host}: ${await foresee(before, toplevel, await rebootsNow(news))}`);
    }
    return {
      ...news,
      release: news["toplevel"],
      bootDefault: news["toplevel"],
      previous: old?.["release"],
      rebootDue: old?.["rebootDue"] ?? [],
    };
  },

  async create(news, call) {
    const wanted = inputs.parse(news);
    return { id: `${wanted.stack}/${wanted.host}`, outputs: { ...news, ...(await deploy(wanted, call)) } };
  },

  async update(_id, olds, news, call) {
    const left = leftAlone(news, { ...olds.inputs, ...olds.outputs });
    if (left !== undefined) {
      call.log("info", `${String(news["host"])}: ${left}`);
      return { ...news, ...seenIn(olds.outputs), rebootDue: olds.outputs["rebootDue"] ?? [] };
    }
    return { ...news, ...(await deploy(inputs.parse(news), call, olds.outputs["release"])) };
  },

  async read(id, state, call) {
    if (Object.keys(state.inputs).length === 0) throw notImported(id);
    const known = inputs.safeParse(state.inputs);
    if (!known.success) return state;
    try {
      const session = await sessionOf(known.data);
      const seen = await remote(session, "observe", {}, { deadline: 20_000, signal: call.signal });
      // What ran when it was last looked at may be drift itself; what was left there is the inputs'.
      for (const { what, mended } of driftOf(seen, { ...known.data, release: known.data.toplevel })) {
        call.log("warning", `${session.label}: ${what}${mended ? afterwards(known.data) : ""}`);
      }
      const held = parseHold(seen.held);
      const { held: _, ...outputs } = state.outputs;
      return {
        inputs: state.inputs,
        outputs: {
          ...outputs,
          ...(held && held.toplevel !== seen.current ? { held: { ...held } } : {}),
          release: seen.current,
          bootDefault: bootDefaultOf(seen),
          rebootDue: seen.pendingReboot,
        },
      };
    } catch (error) {
      call.log("warning", `${known.data.host} could not be read, its state is kept: ${messageOf(error)}`);
      return state;
    }
  },

  async delete(_id, state, call) {
    await forgetReleases(String(state.inputs["stack"]), String(state.inputs["host"]));
    call.log(
      "info",
      `${String(state.inputs["host"])}: no longer managed; whatever it runs goes on running until its server is deleted`,
    );
  },
};
