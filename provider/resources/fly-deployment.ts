import { z } from "zod";
import { type FlyAppConfig, parseFlyApp } from "../../config/fly.ts";
import type { Clock } from "../../deployer/clock.ts";
import { messageOf } from "../../deployer/failure.ts";
import { FlyApi } from "../../deployer/fly/api.ts";
import { flyRegistry } from "../../deployer/fly/http.ts";
import { architectureOf, flyRegistryLogin } from "../../deployer/fly/image.ts";
import { type FlyRelease, previewFirst, previewFly, releaseFly } from "../../deployer/fly/release.ts";
import { parseReference } from "../../deployer/image/reference.ts";
import { diffInputs, replacing } from "../framework/diff.ts";
import type { CallContext, DiffKind, Properties, ResourceHandler } from "../framework/types.ts";
import { accessOf, flyAccess, flyApi, flyOptions, flyWays } from "./fly-access.ts";

const inputs = flyAccess.extend({
  config: z.record(z.string(), z.unknown()),
  /** By digest. */
  image: z.string(),
  /** Whose images are read with the token; any other registry's as the public reads them. */
  registry: z.string().default(flyRegistry),
  /** Another one after the app's secrets were changed. */
  secretsRevision: z.string().optional(),
});
type Inputs = z.infer<typeof inputs>;

/** Reads which machines an image is for. */
export type ArchitectureOf = (
  wanted: Pick<Inputs, "image" | "registry" | "token">,
  call: CallContext,
) => Promise<string>;

const fromRegistry: ArchitectureOf = ({ image, registry, token }, call) =>
  architectureOf(image, {
    ...(parseReference(image).registry === registry && { login: flyRegistryLogin(token) }),
    signal: call.signal,
    deadline: 30_000,
  });

/**
 * What an app at Fly runs, verified. Refreshing compares every machine with what it shall be, so that one that was changed, stopped being
 * there or went back by itself shows, and the next update puts it right.
 */
export const flyDeployment = (
  architecture: ArchitectureOf = fromRegistry,
  clock?: Clock,
): ResourceHandler => {
  async function wantedOf(wanted: Inputs, call: CallContext): Promise<FlyRelease> {
    const app: FlyAppConfig = parseFlyApp(wanted.config);
    // By its tag only it is refused by the release, which says so better than a registry.
    const known = wanted.image.includes("@") ? await architecture(wanted, call) : "amd64";
    return { name: wanted.app, app, image: wanted.image, architecture: known };
  }

  async function deploy(news: Properties, call: CallContext): Promise<Properties> {
    const wanted = inputs.parse(news);
    const released = await releaseFly(flyOptions(wanted, call, clock), await wantedOf(wanted, call));
    for (const note of released.notes) call.log("warning", `${wanted.app} at Fly: ${note}`);
    const what = released.changed ? "live" : "verified";
    call.log(
      "info",
      `${wanted.app} at Fly: ${released.image} ${what} on ${released.machines.length} machines`,
    );
    return { ...news, release: released.image, machines: released.machines, drift: [] };
  }

  /** What a release would do, by what there is; a first one may be of an app that the same update makes. */
  async function foresee(
    news: Properties,
    old: Properties | undefined,
    call: CallContext,
  ): Promise<string[]> {
    const image = typeof news["image"] === "string" ? news["image"] : undefined;
    if (old === undefined) return previewFirst(parseFlyApp(news["config"]), image);
    const known = inputs.safeParse({ ...news, image: image ?? old["release"] });
    if (!known.success) return [];
    const release = await wantedOf(known.data, call);
    const soon = {
      unpushed: image === undefined,
      otherSecrets: Object.hasOwn(news, "secretsRevision") && news["secretsRevision"] === undefined,
    };
    return (await previewFly(flyOptions(known.data, call, clock), release, soon)).lines;
  }

  return {
    secretOutputs: ["token"],

    async check(news) {
      const failures: { property: string; reason: string }[] = [];
      try {
        if (isKnown(news["config"])) parseFlyApp(news["config"]);
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        for (const { path, message } of error.issues)
          failures.push({ property: ["config", ...path.map(String)].join("."), reason: message });
      }
      return { inputs: news, ...(failures.length > 0 && { failures }) };
    },

    async diff(olds, news) {
      const changes = Object.entries(replacing(diffInputs(olds.inputs, news), ["app"])).filter(
        ([path]) => !flyWays.has(path),
      );
      const detailed: Record<string, DiffKind> = Object.fromEntries(changes);
      const drift = olds.outputs["drift"];
      if (Array.isArray(drift) && drift.length > 0) detailed["drift"] = "update";
      return { changes: Object.keys(detailed).length > 0, detailed };
    },

    async preview(news, old, call) {
      if (isKnown(news["config"]) && typeof news["app"] === "string")
        for (const line of await foresee(news, old, call)) call.log("info", `${news["app"]} at Fly: ${line}`);
      return { ...news, release: news["image"], machines: old?.["machines"], drift: [] };
    },

    async create(news, call) {
      return { id: String(news["app"]), outputs: await deploy(news, call) };
    },

    async update(_id, _olds, news, call) {
      return await deploy(news, call);
    },

    async read(id, state, call) {
      const known = inputs.safeParse(state.inputs);
      if (!known.success) return state;
      try {
        if (!(await new FlyApi(known.data.app, flyOptions(known.data, call, clock)).find())) return undefined;
        const release = {
          ...known.data,
          name: known.data.app,
          app: parseFlyApp(known.data.config),
          architecture: "amd64",
        };
        const { changes, lines } = await previewFly(flyOptions(known.data, call, clock), release);
        const drift = changes ? lines.filter((line) => !line.endsWith(": unchanged")) : [];
        for (const line of drift)
          call.log(
            "warning",
            `${id} at Fly is not as it was left; the next pulumi up puts that right: ${line}`,
          );
        return { inputs: state.inputs, outputs: { ...state.outputs, drift } };
      } catch (error) {
        call.log("warning", `${id} at Fly could not be read, its state is kept: ${messageOf(error)}`);
        return state;
      }
    },

    async delete(id, state, call) {
      const api = flyApi(accessOf(id, state.inputs), call, clock);
      if (!(await api.find())) return;
      for (const machine of await api.machines()) await api.destroy(machine.id);
      call.log("info", `${id} at Fly: its machines are gone; its volumes stay as long as the app does`);
    },
  };
};

/** Whether all of a value is known already, which an update that makes other things first may not be. */
function isKnown(value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isKnown);
}
