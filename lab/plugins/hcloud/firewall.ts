import type { Properties, Value } from "../../../provider/framework/types.ts";
import { formatCidr, networkOf, parseCidr } from "../../cloud/ip.ts";
import { type Api, actionsOf } from "./api.ts";
import { labelFault, problem } from "./check.ts";
import { Gone, sdkWords } from "./errors.ts";
import type { CloudResource } from "./resource.ts";
import { against, persist, tolerating } from "./retry.ts";
import { same } from "./schema.ts";

interface Rule {
  direction: string;
  protocol: string;
  port?: string | null;
  description?: string | null;
  source_ips: string[];
  destination_ips: string[];
}

interface Target {
  type: string;
  server?: { id: number };
  label_selector?: { selector: string };
}

interface Firewall {
  id: number;
  name: string;
  labels: Record<string, string>;
  rules: Rule[];
  applied_to: Target[];
}

const cidr = (text: Value): Value => {
  const parsed = typeof text === "string" ? parseCidr(text) : undefined;
  return parsed ? formatCidr(parsed) : text;
};

const attributes: CloudResource["attributes"] = {
  name: { kind: "text" },
  labels: { kind: "labels", computed: true },
  rules: {
    kind: "blocks",
    unordered: true,
    block: {
      direction: { kind: "text", required: true },
      protocol: { kind: "text", required: true },
      port: { kind: "text" },
      description: { kind: "text" },
      sourceIps: { kind: "texts", unordered: true, kept: cidr },
      destinationIps: { kind: "texts", unordered: true, kept: cidr },
    },
  },
  applyTos: {
    kind: "blocks",
    computed: true,
    unset: [],
    unordered: true,
    block: { labelSelector: { kind: "text", computed: true }, server: { kind: "number", computed: true } },
  },
};

/** `hcloud:index/firewall:Firewall`. */
export const firewall: CloudResource = {
  half: "sdk",
  words: sdkWords,
  attributes,
  validate: (inputs, call) => faults(inputs).map(({ at, words }) => problem(call.name, at, words)),

  async create({ api, wanted, signal }, exists) {
    const rules = blocks(wanted.rules).map(ruleBody);
    const targets = blocks(wanted.applyTos).map(targetBody);
    const labels = (wanted.labels ?? {}) as Properties;
    const answer = await api.post(
      "/firewalls",
      {
        name: wanted.name,
        ...(Object.keys(labels).length > 0 && { labels }),
        ...(rules.length > 0 && { rules }),
        ...(targets.length > 0 && { apply_to: targets }),
      },
      signal,
    );
    await api.settle(actionsOf(answer), signal);
    exists(String((answer.firewall as Firewall).id));
  },

  async read(id, _old, { api, signal }) {
    const found = await find(id, api, signal);
    if (!found) return undefined;
    return {
      name: found.name,
      labels: found.labels,
      rules: found.rules.map((rule) => ({
        direction: rule.direction,
        protocol: rule.protocol,
        port: rule.port ?? "",
        description: rule.description ?? "",
        sourceIps: rule.source_ips.map(cidr),
        destinationIps: rule.destination_ips.map(cidr),
      })),
      applyTos: found.applied_to.map((target) => ({
        labelSelector: target.label_selector?.selector ?? "",
        server: target.server?.id ?? 0,
      })),
    };
  },

  async update(id, old, { api, wanted, signal }) {
    if (!(await find(id, api, signal))) throw new Gone();
    const path = `/firewalls/${id}`;
    if (wanted.name !== old.name) await api.put(path, { name: wanted.name }, signal);
    const rules = blocks(wanted.rules).map(ruleBody);
    // The real provider sends no empty list of rules: the last rule cannot be taken away in place.
    if (rules.length > 0 && !same(attributes.rules ?? { kind: "blocks" }, old.rules, wanted.rules))
      await api.act(`${path}/actions/set_rules`, { rules }, signal);
    if (!same({ kind: "labels" }, old.labels, wanted.labels))
      await api.put(path, { labels: wanted.labels }, signal);
    await applyTo(path, blocks(old.applyTos), blocks(wanted.applyTos), api, signal);
  },

  async delete(id, _old, { api, signal }) {
    const path = `/firewalls/${id}`;
    const found = await find(id, api, signal);
    if (found && found.applied_to.length > 0)
      await api.act(
        `${path}/actions/remove_from_resources`,
        { remove_from: found.applied_to.map(bare) },
        signal,
      );
    await persist(api, signal, { tries: 10, again: against("conflict", "resource_in_use") }, () =>
      tolerating(["not_found"], () => api.delete(path, signal)),
    );
  },
};

async function find(id: string, api: Api, signal: AbortSignal): Promise<Firewall | undefined> {
  return (await api.find(`/firewalls/${id}`, signal))?.firewall as Firewall | undefined;
}

async function applyTo(
  path: string,
  olds: Properties[],
  news: Properties[],
  api: Api,
  signal: AbortSignal,
): Promise<void> {
  const missing = (from: Properties[], these: Properties[]) =>
    these.filter(
      (one) => !from.some((other) => JSON.stringify(targetBody(other)) === JSON.stringify(targetBody(one))),
    );
  const gone = missing(news, olds).map(targetBody);
  const added = missing(olds, news).map(targetBody);
  if (gone.length > 0) await api.act(`${path}/actions/remove_from_resources`, { remove_from: gone }, signal);
  if (added.length > 0) await api.act(`${path}/actions/apply_to_resources`, { apply_to: added }, signal);
}

function blocks(value: Value): Properties[] {
  return Array.isArray(value) ? (value as Properties[]) : [];
}

function ruleBody(rule: Properties): Properties {
  const list = (name: string, ips: Value) => (Array.isArray(ips) && ips.length > 0 ? { [name]: ips } : {});
  return {
    direction: rule.direction,
    ...list("source_ips", rule.sourceIps),
    ...list("destination_ips", rule.destinationIps),
    protocol: rule.protocol,
    ...(rule.port ? { port: rule.port } : {}),
    ...(rule.description ? { description: rule.description } : {}),
  };
}

function targetBody(target: Properties): Properties {
  return target.server
    ? { type: "server", server: { id: target.server } }
    : { type: "label_selector", label_selector: { selector: target.labelSelector } };
}

function bare({ type, server, label_selector }: Target): Properties {
  return type === "server"
    ? { type, server: { id: server?.id } }
    : { type, label_selector: { selector: label_selector?.selector } };
}

interface Fault {
  at: string;
  words: string;
}

function faults(inputs: Properties): Fault[] {
  const label = labelFault(inputs.labels);
  return [
    ...(label ? [{ at: "labels", words: label.words }] : []),
    ...blocks(inputs.rules).flatMap(ruleFaults),
  ];
}

function ruleFaults(rule: Properties | undefined): Fault[] {
  if (!rule) return [];
  const found: Fault[] = [];
  const fault = (words: string) => found.push({ at: "rules", words });
  const { direction, protocol } = rule;
  if (direction !== undefined && direction !== "in" && direction !== "out")
    fault(`${direction} is not a valid direction`);
  if (protocol !== undefined && !["icmp", "tcp", "udp", "esp", "gre"].includes(String(protocol)))
    fault(`${protocol} is not a valid protocol`);
  for (const ip of [rule.sourceIps, rule.destinationIps].flat()) {
    const words = typeof ip === "string" ? cidrFault(ip) : undefined;
    if (words) fault(words);
  }
  return found;
}

function cidrFault(text: string): string | undefined {
  const parsed = parseCidr(text);
  if (!parsed) return `invalid CIDR address: ${text}`;
  const network = networkOf(parsed);
  if (network.value === parsed.value) return undefined;
  return `${text} is not the start of the cidr block ${formatCidr(network)}`;
}
