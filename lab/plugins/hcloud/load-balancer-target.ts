import { createHash } from "node:crypto";
import type { CheckFailure, Properties } from "../../../provider/framework/types.ts";
import { parseAddress } from "../../cloud/ip.ts";
import { type Api, actionsOf, type Json } from "./api.ts";
import { problem, snake } from "./check.ts";
import { lookUp } from "./entity.ts";
import { ApiError, Gone, sdkWords } from "./errors.ts";
import type { LoadBalancer, Target } from "./load-balancer.ts";
import { canonicalIp } from "./network.ts";
import type { CloudResource, Work } from "./resource.ts";
import { against, persist, TRIES, tolerating } from "./retry.ts";
import { isSet } from "./schema.ts";
import { within } from "./server-steps.ts";

const TYPES = ["server", "label_selector", "ip"] as const;
const CHOICES = ["serverId", "labelSelector", "ip"];

/** `hcloud:index/loadBalancerTarget:LoadBalancerTarget`. */
export const loadBalancerTarget: CloudResource = {
  half: "sdk",
  words: sdkWords,
  attributes: {
    type: { kind: "text", required: true, oneOf: TYPES },
    loadBalancerId: { kind: "number", required: true, replaces: true },
    serverId: { kind: "number", replaces: true },
    labelSelector: { kind: "text", replaces: true },
    ip: { kind: "text", replaces: true },
    usePrivateIp: { kind: "boolean", computed: true },
  },
  forgetsFailure: true,
  validate: (inputs, call) => [
    ...choiceFailures(inputs, call.name),
    ...(isSet(inputs, "ip") && isSet(inputs, "usePrivateIp")
      ? [problem(call.name, "ip", `Conflicting configuration arguments. "ip": conflicts with use_private_ip`)]
      : []),
  ],

  async create(work, exists) {
    const state = await addTarget(work);
    exists(String(state.id));
    return state;
  },

  async read(id, old, { api, signal }) {
    const asked = Object.keys(old).length === 0 ? imported(id) : old;
    const at = await find(asked, api, signal);
    return at && stateOf(Number(asked.loadBalancerId), at.target);
  },

  async update(_id, old, work) {
    const { api, wanted, signal } = work;
    const at = await find({ ...old, ...wanted }, api, signal);
    if (!at) throw new Gone();
    await removeTarget(at.balancer.id, at.target, api, signal);
    return await addTarget(work);
  },

  async delete(_id, old, { api, signal }) {
    const at = await find(old, api, signal);
    if (at) await removeTarget(at.balancer.id, at.target, api, signal);
  },
};

async function addTarget(work: Work): Promise<Properties> {
  const { api, wanted, signal } = work;
  const id = Number(wanted.loadBalancerId);
  const balancer = await within(`get load balancer by id: ${id}`, () => balancerOf(id, api, signal));
  if (!balancer) throw new Error(`load balancer ${id}: not found`);
  const target = targetOf(wanted);
  if (target.type === "server") await lookAround(balancer, Number(wanted.serverId), work);
  const body: Json = { ...bare(target), ...(wanted.usePrivateIp ? { use_private_ip: true } : {}) };
  let answer: Json = {};
  await tolerating(["target_already_defined"], () =>
    within(`add ${target.type.replace("_", " ")} target`, async () => {
      answer = await api.post(`/load_balancers/${id}/actions/add_target`, body, signal);
    }),
  );
  await within("add load balancer target", () => api.settle(actionsOf(answer), signal));
  return stateOf(id, target);
}

/** The server has to be there, and the load balancer in a network where the program wants the private way. */
async function lookAround(balancer: LoadBalancer, serverId: number, work: Work): Promise<void> {
  const { api, wanted, signal } = work;
  const server = await within(`get server by id: ${serverId}`, () =>
    api.find(`/servers/${serverId}`, signal),
  );
  if (!server) throw new Error(`server ${serverId}: not found`);
  const step = `hcloud/resourceLoadBalancerCreateServerTarget: load balancer ${balancer.id}`;
  await within(step, () =>
    // The real provider tries again with what it has read, so that no try helps.
    persist(api, signal, { tries: TRIES, again: (error) => !(error instanceof ApiError) }, async () => {
      if (wanted.usePrivateIp && balancer.private_net.length === 0) throw new Error("no private networks");
      if (!(await balancerOf(balancer.id, api, signal)))
        throw new Error(`load balancer ${balancer.id}: not found`);
    }),
  );
}

function targetOf({ type, serverId, labelSelector, ip, usePrivateIp }: Properties): Target {
  const use_private_ip = usePrivateIp === true;
  switch (type) {
    case "server":
      if (!serverId) throw new Error("target type server: missing server_id");
      return { type, server: { id: Number(serverId) }, use_private_ip };
    case "label_selector":
      if (!labelSelector) throw new Error("label_selector is missing");
      return { type, label_selector: { selector: String(labelSelector) }, use_private_ip };
    default:
      if (!ip || !parseAddress(String(ip))) throw new Error("ip is missing or invalid");
      return { type: "ip", ip: { ip: canonicalIp(String(ip)) } };
  }
}

function bare({ type, server, label_selector, ip }: Target): Json {
  return {
    type,
    ...(server && { server: { id: server.id } }),
    ...(label_selector && { label_selector: { selector: label_selector.selector } }),
    ...(ip && { ip: { ip: ip.ip } }),
  };
}

async function balancerOf(id: number, api: Api, signal: AbortSignal): Promise<LoadBalancer | undefined> {
  return await lookUp<LoadBalancer>("load_balancers", "load_balancer", id, api, signal);
}

async function find(asked: Properties, api: Api, signal: AbortSignal) {
  const id = Number(asked.loadBalancerId);
  const balancer = await within(`get load balancer by id: ${id}`, () => balancerOf(id, api, signal));
  const target = balancer?.targets.find(({ type, server, label_selector, ip }) => {
    if (type === "server") return server?.id === Number(asked.serverId);
    if (type === "label_selector") return label_selector?.selector === asked.labelSelector;
    return ip?.ip === asked.ip;
  });
  return balancer && target && { balancer, target };
}

async function removeTarget(id: number, target: Target, api: Api, signal: AbortSignal): Promise<void> {
  const path = `/load_balancers/${id}/actions/remove_target`;
  const removal = { tries: TRIES, again: against("conflict", "locked") };
  try {
    const answer = await within("remove server target", () =>
      persist(api, signal, removal, () => api.post(path, bare(target), signal)),
    );
    await within("remove server target: wait for action", () => api.settle(actionsOf(answer), signal));
  } catch (error) {
    if (!(error instanceof ApiError) || !isMissing(error)) throw error;
  }
}

function isMissing({ code, words }: ApiError): boolean {
  return code === "load_balancer_target_not_found" || words.includes("target not found");
}

/** The state of a target, with the id it is known by. */
function stateOf(balancer: number, { type, server, label_selector, ip, use_private_ip }: Target): Properties {
  const base = { type, loadBalancerId: balancer };
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const usePrivateIp = use_private_ip === true;
  if (server)
    return { ...base, id: `lb-srv-tgt-${server.id}-${balancer}`, serverId: server.id, usePrivateIp };
  if (label_selector) {
    const { selector } = label_selector;
    const id = `lb-label-selector-tgt-${hash(selector)}-${balancer}`;
    return { ...base, id, labelSelector: selector, usePrivateIp };
  }
  return { ...base, id: `lb-ip-tgt-${hash(ip?.ip ?? "")}-${balancer}`, ip: ip?.ip ?? "" };
}

/** What an import names: "<load balancer>__<type>__<server, selector or ip>". */
function imported(id: string): Properties {
  const [, balancer, type, identifier] = /^(\d+)__(server|label_selector|ip)__(.+)$/.exec(id) ?? [];
  if (!balancer || !type || !identifier) throw new Error(`import id has invalid format: ${id}`);
  const property = { server: "serverId", label_selector: "labelSelector", ip: "ip" }[type] ?? "ip";
  return {
    loadBalancerId: Number(balancer),
    type,
    [property]: type === "server" ? Number(identifier) : identifier,
  };
}

/** Each of the three properties is complained of, as the real provider does. */
function choiceFailures(inputs: Properties, name: string): CheckFailure[] {
  const given = CHOICES.filter((choice) => isSet(inputs, choice));
  if (given.length === 1) return [];
  const list = (choices: string[]) => `\`${choices.map(snake).toSorted().join(",")}\``;
  const words =
    given.length === 0
      ? `one of ${list(CHOICES)} must be specified`
      : `only one of ${list(CHOICES)} can be specified, but ${list(given)} were specified.`;
  return CHOICES.map((choice) =>
    problem(name, choice, `Invalid combination of arguments. ${JSON.stringify(snake(choice))}: ${words}`),
  );
}
