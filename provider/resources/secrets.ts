import { randomBytes } from "node:crypto";
import { z } from "zod";
import { messageOf } from "../../deployer/failure.ts";
import { keepOutOfRecords } from "../../deployer/runs/record.ts";
import {
  type CredentialNames,
  deliverCredentials,
  namesOf,
  pruneCredentials,
  readCredentials,
} from "../../deployer/secrets/credentials.ts";
import { diffInputs, replacing } from "../framework/diff.ts";
import type { CallContext, Properties, ResourceHandler, Value } from "../framework/types.ts";
import { sessionOf, wayToHost } from "./sessions.ts";

const inputs = wayToHost.extend({
  machineId: z.string(),
  installationId: z.string(),
  /** Content by service and credential. */
  credentials: z.record(z.string(), z.record(z.string(), z.string())),
});
type Inputs = z.infer<typeof inputs>;

/** What leads to the same host by another way changes nothing that is on it. */
const ways = new Set(["stack", "address", "port", "hostKey", "loginKey", "jump"]);

const mapOf = (value: Value): Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** What a service prints may be in its journal's tail, and so in an error that is recorded: these are taken out there. */
const keepOut = (...all: Properties[]): void =>
  keepOutOfRecords(
    all.flatMap(({ credentials }) =>
      Object.values(mapOf(credentials)).flatMap((of) => Object.values(mapOf(of))),
    ),
  );

/** Credentials as they were last seen on the host: those of the state that are not in place any more are left out. */
function seenOnHost({ inputs, outputs }: { inputs: Properties; outputs: Properties }): Properties {
  const delivered = mapOf(outputs["delivered"]);
  return Object.fromEntries(
    Object.entries(mapOf(inputs["credentials"])).map(([service, credentials]) => {
      const there = delivered[service];
      const names = Array.isArray(there) ? there : [];
      return [
        service,
        Object.fromEntries(Object.entries(mapOf(credentials)).filter(([name]) => names.includes(name))),
      ];
    }),
  );
}

/** What a preview tells, by names; undefined where nothing differs. Pure. */
export function tellChanges(olds: Properties, news: Properties): string | undefined {
  const changed: string[] = [];
  const restarted: string[] = [];
  for (const service of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    const [old, now] = [mapOf(olds[service]), mapOf(news[service])];
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    const different = names.filter((name) => old[name] !== now[name]);
    changed.push(...different.map((name) => `${service}.${name}`));
    if (different.length > 0 && Object.keys(now).length > 0) restarted.push(service);
  }
  if (changed.length === 0) return undefined;
  return `secrets change: ${changed.join(", ")}${restarted.length === 0 ? "" : `; restarts ${restarted.join(", ")}`}`;
}

const countOf = (names: CredentialNames): number => Object.values(names).flat().length;

async function deliver(wanted: Inputs, call: CallContext): Promise<Properties> {
  const names = namesOf(wanted.credentials);
  const count = countOf(names);
  call.status(`delivering ${count} credential${count === 1 ? "" : "s"}`);
  const session = await sessionOf(wanted);
  const written = await deliverCredentials(session, wanted.credentials, { signal: call.signal });
  if (written.length > 0) call.log("info", `${session.label}: delivered ${written.join(", ")}`);
  return { delivered: names, revision: randomBytes(8).toString("hex") };
}

/**
 * The secrets of a host's services, as systemd credentials that are encrypted on it.
 *
 * It only puts files in place. The Deployment that follows takes `revision` as an input: it restarts what runs with older ones, together
 * with whatever else changes, and removes what no service expects any more once its release is kept.
 *
 * - inputs: the way to the host, `machineId`, `installationId`, `credentials` (each value a secret).
 * - outputs: `delivered` (names by service), `revision` (another one after each delivery).
 *
 * Refreshing asks the host which credentials are in place with the content that the state has.
 */
export const secrets: ResourceHandler = {
  async diff(olds, news) {
    keepOut(olds.inputs, news);
    const changed = diffInputs({ ...olds.inputs, credentials: seenOnHost(olds) }, news);
    const detailed = Object.fromEntries(Object.entries(changed).filter(([path]) => !ways.has(path)));
    return {
      changes: Object.keys(detailed).length > 0,
      detailed: replacing(detailed, ["host"]),
      // The other way round the old one's end would take the new one's credentials.
      deleteBeforeReplace: true,
    };
  },

  async preview(news, old, call) {
    const credentials = mapOf(news["credentials"]);
    const line = old && tellChanges(mapOf(old["credentials"]), credentials);
    if (line) call.log("info", `${String(news["host"])}: ${line}`);
    const delivered = Object.entries(credentials).map(([service, of]) => [service, Object.keys(mapOf(of))]);
    return { ...news, delivered: Object.fromEntries(delivered), revision: undefined };
  },

  async create(news, call) {
    keepOut(news);
    const wanted = inputs.parse(news);
    return { id: `${wanted.stack}/${wanted.host}`, outputs: { ...news, ...(await deliver(wanted, call)) } };
  },

  async update(_id, _olds, news, call) {
    return { ...news, ...(await deliver(inputs.parse(news), call)) };
  },

  async read(_id, state, call) {
    const known = inputs.safeParse(state.inputs);
    if (!known.success) return state;
    const { host, credentials } = known.data;
    try {
      const session = await sessionOf(known.data);
      const inPlace = await readCredentials(session, credentials, { signal: call.signal });
      const missing = Object.entries(namesOf(credentials)).flatMap(([service, names]) =>
        names.filter((name) => !inPlace[service]?.includes(name)).map((name) => `${service}.${name}`),
      );
      if (missing.length > 0) {
        call.log(
          "warning",
          `${session.label}: not in place as delivered: ${missing.join(", ")}; the next pulumi up delivers again`,
        );
      }
      return { inputs: state.inputs, outputs: { ...state.outputs, delivered: inPlace } };
    } catch (error) {
      call.log(
        "warning",
        `${host}: its credentials could not be read, their state is kept: ${messageOf(error)}`,
      );
      return state;
    }
  },

  async delete(_id, state, call) {
    const known = inputs.parse(state.inputs);
    const session = await sessionOf(known);
    const removed = await pruneCredentials(session, {}, { signal: call.signal }).catch((error: unknown) => {
      throw new Error(
        `${messageOf(error)} Its secrets stay on it until then. If the machine is gone for good: pulumi state delete '${call.urn}'.`,
      );
    });
    if (removed.length > 0) call.log("info", `${session.label}: removed ${removed.join(", ")}`);
  },
};
