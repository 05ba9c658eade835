import type { Properties, Value } from "../../../provider/framework/types.ts";
import { type Action, actionsOf, type Json } from "./api.ts";
import { lookUp } from "./entity.ts";
import { Gone, sdkWords } from "./errors.ts";
import type { CloudResource, Work } from "./resource.ts";
import { tolerating } from "./retry.ts";

interface Firewall {
  applied_to: { type: string; server?: { id: number }; label_selector?: { selector: string } }[];
}

/** What a firewall guards. */
interface Guarded {
  servers: number[];
  selectors: string[];
}

/** `hcloud:index/firewallAttachment:FirewallAttachment`: everything that a firewall guards, in one place. */
export const firewallAttachment: CloudResource = {
  half: "sdk",
  words: sdkWords,
  attributes: {
    firewallId: { kind: "number", required: true, replaces: true },
    serverIds: { kind: "numbers", unordered: true, unset: null },
    labelSelectors: { kind: "texts", unordered: true, unset: null },
  },
  forgetsFailure: true,

  async create({ api, wanted, signal }, exists) {
    const all = targets(required(wanted));
    await tolerating(["firewall_already_applied"], () =>
      api.act(actionPath(wanted.firewallId, "apply_to_resources"), { apply_to: all }, signal),
    );
    exists(String(wanted.firewallId));
    return undefined;
  },

  async read(id, _old, { api, signal }) {
    const found = await lookUp<Firewall>("firewalls", "firewall", id, api, signal);
    if (!found) return undefined;
    const { servers, selectors } = guarded(found);
    return { firewallId: Number(id), serverIds: servers, labelSelectors: selectors };
  },

  async update(id, _old, { api, wanted, signal }) {
    const wants = required(wanted);
    const found = await lookUp<Firewall>("firewalls", "firewall", id, api, signal);
    if (!found) throw new Gone();
    const has = guarded(found);
    const actions: Action[] = [];
    // The real provider sends both requests, be their lists empty.
    for (const [action, field, list] of [
      ["remove_from_resources", "remove_from", targets(without(has, wants))],
      ["apply_to_resources", "apply_to", targets(without(wants, has))],
    ] as const) {
      const answer: Json = await api.post(actionPath(id, action), { [field]: list }, signal);
      actions.push(...actionsOf(answer));
    }
    await api.settle(actions, signal);
  },

  async delete(id, old, { api, signal }: Pick<Work, "api" | "signal">) {
    const all = targets(required(old));
    await api.act(actionPath(id, "remove_from_resources"), { remove_from: all }, signal);
  },
};

function actionPath(id: Value, action: string): string {
  return `/firewalls/${id}/actions/${action}`;
}

/** Sorted, as the real provider sends them. */
function required({ serverIds, labelSelectors }: Properties): Guarded {
  const servers = list<number>(serverIds).toSorted((a, b) => a - b);
  const selectors = list<string>(labelSelectors).toSorted();
  if (servers.length + selectors.length === 0) throw new Error("no resources referenced");
  return { servers, selectors };
}

function list<Element>(value: Value): Element[] {
  return Array.isArray(value) ? (value as Element[]) : [];
}

function guarded({ applied_to }: Firewall): Guarded {
  return {
    servers: applied_to.flatMap(({ type, server }) => (type === "server" && server ? [server.id] : [])),
    selectors: applied_to.flatMap(({ label_selector }) => (label_selector ? [label_selector.selector] : [])),
  };
}

function without(these: Guarded, those: Guarded): Guarded {
  return {
    servers: these.servers.filter((id) => !those.servers.includes(id)),
    selectors: these.selectors.filter((selector) => !those.selectors.includes(selector)),
  };
}

function targets({ servers, selectors }: Guarded): Properties[] {
  return [
    ...servers.map((id) => ({ type: "server", server: { id } })),
    ...selectors.map((selector) => ({ type: "label_selector", label_selector: { selector } })),
  ];
}
