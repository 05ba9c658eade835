import type { Properties } from "../../../provider/framework/types.ts";
import { parseAddress } from "../../cloud/ip.ts";
import { type Api, actionsOf, type Json } from "./api.ts";
import { lookUp } from "./entity.ts";
import { ApiError, Gone, isRefusal, sdkWords } from "./errors.ts";
import { bareNetwork, canonicalIp } from "./network.ts";
import type { CloudResource } from "./resource.ts";
import { against, persist, TRIES } from "./retry.ts";

interface Subnet {
  type: string;
  ip_range: string;
  network_zone: string;
  gateway: string;
  vswitch_id?: number | null;
}

interface Route {
  destination: string;
  gateway: string;
}

interface Network {
  id: number;
  subnets: Subnet[];
  routes: Route[];
}

/** Something within a network that is known by "<network>-<CIDR>" and never changed, only replaced. */
interface Part<Found> {
  attributes: CloudResource["attributes"];
  /** Without it the real provider makes nothing, and does not say why. */
  makes?(wanted: Properties): boolean;
  /** The property whose CIDR it is known by. */
  known: "ipRange" | "destination";
  add: string;
  remove: string;
  /** Codes against which adding is tried again. */
  addAgain: readonly string[];
  body(wanted: Properties): Json;
  find(network: Network, cidr: string): Found | undefined;
  state(found: Found): Properties;
  /** The body of the removal. */
  removal(found: Found): Json;
  removeTries: number;
  removeAgain(error: unknown): boolean;
  /** What ends the removal without an error after the last try. */
  removed(error: unknown): boolean;
}

function part<Found>(is: Part<Found>): CloudResource {
  const find = async (id: string, api: Api, signal: AbortSignal) => {
    const [, networkId, cidr] = /^(\d+)-(.+)$/.exec(id) ?? [];
    const network = networkId && (await lookUp<Network>("networks", "network", networkId, api, signal));
    const found = network && cidr ? is.find(network, cidr) : undefined;
    return network && found ? { network, found } : undefined;
  };

  return {
    half: "sdk",
    words: sdkWords,
    attributes: is.attributes,

    async create({ api, wanted, signal }, exists) {
      if (is.makes && !is.makes(wanted)) throw new Gone();
      const cidr = bareNetwork(String(wanted[is.known]));
      const path = `/networks/${wanted.networkId}/actions/${is.add}`;
      const answer = await persist(api, signal, { tries: TRIES, again: against(...is.addAgain) }, () =>
        api.post(path, is.body(wanted), signal),
      );
      exists(`${wanted.networkId}-${cidr}`);
      await api.settle(actionsOf(answer), signal);
      return undefined;
    },

    async read(id, _old, { api, signal }) {
      const at = await find(id, api, signal);
      return at && { networkId: at.network.id, ...is.state(at.found) };
    },

    async update() {
      throw new Error("every change replaces it");
    },

    async delete(id, _old, { api, signal }) {
      const remove = async () => {
        const at = await find(id, api, signal);
        if (!at) return undefined;
        const path = `/networks/${at.network.id}/actions/${is.remove}`;
        return await api.post(path, is.removal(at.found), signal);
      };
      try {
        const answer = await persist(api, signal, { tries: is.removeTries, again: is.removeAgain }, remove);
        if (answer) await api.settle(actionsOf(answer), signal);
      } catch (error) {
        if (!is.removed(error)) throw error;
      }
    },
  };
}

/** The API's way of saying that servers have yet to leave a subnet. */
function stillUsed(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.code === "service_error" &&
    /servers are attached|network has attached resources/.test(error.words)
  );
}

/** `hcloud:index/networkSubnet:NetworkSubnet`. */
export const networkSubnet = part<Subnet>({
  attributes: {
    networkId: { kind: "number", required: true, replaces: true },
    type: { kind: "text", required: true, replaces: true, oneOf: ["cloud", "server", "vswitch"] },
    networkZone: { kind: "text", required: true, replaces: true },
    ipRange: { kind: "text", required: true, replaces: true },
    gateway: { kind: "text", output: true },
    vswitchId: { kind: "number", replaces: true },
  },
  known: "ipRange",
  add: "add_subnet",
  remove: "delete_subnet",
  addAgain: ["conflict", "vswitch_id_already_used"],
  body: ({ type, ipRange, networkZone, vswitchId }) => ({
    type,
    ip_range: bareNetwork(String(ipRange)),
    network_zone: networkZone,
    ...(type === "vswitch" ? { vswitch_id: vswitchId } : {}),
  }),
  find: (network, cidr) => network.subnets.find(({ ip_range }) => ip_range === cidr),
  state: (found) => ({
    type: found.type,
    networkZone: found.network_zone,
    ipRange: found.ip_range,
    gateway: found.gateway,
    ...(found.type === "vswitch" && { vswitchId: found.vswitch_id ?? 0 }),
  }),
  removal: ({ ip_range }) => ({ ip_range }),
  removeTries: 10 * TRIES,
  removeAgain: (error) => isRefusal(error, "conflict", "locked") || stillUsed(error),
  // The real provider forgets a subnet that servers never left.
  removed: (error) => isRefusal(error, "not_found") || stillUsed(error),
});

/** `hcloud:index/networkRoute:NetworkRoute`. */
export const networkRoute = part<Route>({
  attributes: {
    networkId: { kind: "number", required: true, replaces: true },
    destination: { kind: "text", required: true, replaces: true },
    gateway: { kind: "text", required: true, replaces: true },
  },
  makes: ({ gateway }) => parseAddress(String(gateway)) !== undefined,
  known: "destination",
  add: "add_route",
  remove: "delete_route",
  addAgain: ["conflict"],
  body: ({ destination, gateway }) => ({
    destination: bareNetwork(String(destination)),
    gateway: canonicalIp(String(gateway)),
  }),
  find: (network, cidr) => network.routes.find(({ destination }) => destination === cidr),
  state: ({ destination, gateway }) => ({ destination, gateway }),
  removal: ({ destination, gateway }) => ({ destination, gateway }),
  removeTries: TRIES,
  removeAgain: against("conflict"),
  removed: (error) => isRefusal(error, "not_found"),
});
