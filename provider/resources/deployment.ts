import { hostname, userInfo } from "node:os";
import { z } from "zod";
import { healthCheck } from "../../config/manifest.ts";
import { foresee } from "../../deployer/compare/foresee.ts";
import { driftOf } from "../../deployer/release/drift.ts";
import { release } from "../../deployer/release/release.ts";
import { remote } from "../../deployer/remote/scripts.ts";
import type { CallContext, DiffKind, Properties, ResourceHandler } from "../framework/types.ts";
import { sessionOf, wayToHost } from "./sessions.ts";

const inputs = wayToHost.extend({
  machineId: z.string(),
  system: z.string(),
  toplevel: z.string(),
  drvPath: z.string(),
  health: z.array(healthCheck),
  ipv6Address: z.string().optional(),
  healthDeadline: z.number().int().positive(),
  credentials: z
    .strictObject({ revision: z.string(), names: z.record(z.string(), z.array(z.string())) })
    .optional(),
});
type Inputs = z.infer<typeof inputs>;

async function deploy(wanted: Inputs, call: CallContext): Promise<Properties> {
  const session = await sessionOf(wanted);
  const started = Date.now();
  const { ipv6Address, credentials, ...rest } = wanted;
  const released = await release(
    session,
    {
      ...rest,
      ...(ipv6Address ? { ipv6Address } : {}),
      ...(credentials ? { credentials: credentials.names } : {}),
      owner: `${userInfo().username}@${hostname()} (stack ${wanted.stack})`,
    },
    { status: (line) => call.status(line), signal: call.signal },
  );
  const what = released.previous === released.toplevel ? "verified" : "live";
  call.log(
    "info",
    `${session.label}: ${released.toplevel} ${what} after ${((Date.now() - started) / 1000).toFixed(1)} s`,
  );
  return { release: released.toplevel, bootDefault: released.toplevel, previous: released.previous };
}

/** What a difference means: every one but the derivation's path is worth another look at the host. */
const inert = new Set(["drvPath"]);

/**
 * The system a host runs. Refreshing reads the host: a switch by hand shows as another `release`.
 * A host that does not answer keeps its old state, with a warning.
 */
export const deployment: ResourceHandler = {
  async check(news) {
    return { inputs: news };
  },

  async diff(olds, news) {
    const detailed: Record<string, DiffKind> = {};
    for (const key of new Set([...Object.keys(olds.inputs), ...Object.keys(news)])) {
      if (inert.has(key) || JSON.stringify(olds.inputs[key]) === JSON.stringify(news[key])) continue;
      detailed[key] = key === "host" || key === "stack" ? "update-replace" : "update";
    }
    // The host was seen to run something else, or to be about to. States from before `bootDefault` do not have it.
    for (const key of ["release", "bootDefault"]) {
      const seen = olds.outputs[key];
      if (seen !== undefined && seen !== olds.inputs["toplevel"]) detailed[key] = "update";
    }
    return { changes: Object.keys(detailed).length > 0, detailed };
  },

  async preview(news, old, call) {
    const { host, toplevel } = news;
    if (typeof toplevel === "string") {
      const before = old?.["release"];
      const line = await foresee(typeof before === "string" ? before : undefined, toplevel);
      call.log("info", `${String(host)}: ${line}`);
    }
    return { ...news, release: news["toplevel"], bootDefault: news["toplevel"], previous: old?.["release"] };
  },

  async create(news, call) {
    const wanted = inputs.parse(news);
    return { id: `${wanted.stack}/${wanted.host}`, outputs: { ...news, ...(await deploy(wanted, call)) } };
  },

  async update(_id, _olds, news, call) {
    return { ...news, ...(await deploy(inputs.parse(news), call)) };
  },

  async read(_id, state, call) {
    const known = inputs.safeParse(state.inputs);
    if (!known.success) return state;
    try {
      const session = await sessionOf(known.data);
      const seen = await remote(session, "observe", {}, { deadline: 20_000, signal: call.signal });
      // What ran when it was last looked at may be drift itself; what was left there is the inputs'.
      for (const { what, mended } of driftOf(seen, { ...known.data, release: known.data.toplevel })) {
        call.log(
          "warning",
          `${session.label}: ${what}${mended ? "; the next pulumi up puts that right" : ""}`,
        );
      }
      return {
        inputs: state.inputs,
        outputs: { ...state.outputs, release: seen.current, bootDefault: seen.profile },
      };
    } catch (error) {
      call.log(
        "warning",
        `${known.data.host} could not be read, its state is kept: ${error instanceof Error ? error.message : String(error)}`,
      );
      return state;
    }
  },

  async delete(_id, state, call) {
    call.log(
      "info",
      `${String(state.inputs["host"])}: no longer managed; whatever it runs goes on running until its server is deleted`,
    );
  },
};
