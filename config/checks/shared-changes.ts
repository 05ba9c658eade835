import type { Running } from "../running.ts";
import { type Change, loss, type Situation } from "./change.ts";
import { serverName } from "./context.ts";
import { subnetOf } from "./network.ts";

/** What the stack would do to what its hosts share: the private network, zones, load balancers. */
export const sharedChanges = (situation: Situation, running: Running): Change[] => [
  ...running.networks.flatMap((network) => networkChanges(situation, network)),
  ...running.zones.flatMap((zone) => zoneChanges(situation, zone)),
  ...running.loadBalancers.flatMap((balancer) => balancerChanges(situation, balancer)),
];

function networkChanges(
  { stack, config }: Situation,
  { name, range, subnets, protected: there }: Running["networks"][number],
): Change[] {
  // Others may be labelled with the stack by hand.
  if (name !== stack) return [];
  const of = "the private network";
  const guard = { wanted: config.protect, there };
  const loses = "every host's private address";
  const wanted = config.network;
  if (!wanted) return [loss({ of, what: "it is deleted", loses, path: "berth:network", guard })];
  if (wanted.range !== range) {
    const what = `it is replaced, as its range changes from ${range} to ${wanted.range}`;
    return [loss({ of, what, loses, path: "berth:network.range", guard })];
  }
  const subnet = subnetOf(wanted);
  if (subnets.length === 0 || subnets.includes(subnet)) return [];
  return [{ of, what: `its subnet changes from ${subnets.join(", ")} to ${subnet}`, effect: "renumbering" }];
}

function zoneChanges({ config }: Situation, { name, protected: there }: Running["zones"][number]): Change[] {
  const wanted = Object.hasOwn(config.dns, name) ? config.dns[name] : undefined;
  if (wanted?.create) return [];
  return [
    loss({
      of: name,
      what: "the zone is deleted",
      loses: "the zone with all its records, also those that others have made",
      path: wanted ? `berth:dns.${name}.create` : "berth:dns",
      guard: { wanted: config.protect, there },
    }),
  ];
}

function balancerChanges(
  { stack, config }: Situation,
  { name, location, protected: there }: Running["loadBalancers"][number],
): Change[] {
  const found = Object.entries(config.loadBalancers).find(([one]) => serverName(stack, one) === name);
  const guard = { wanted: config.protect, there };
  const loses = `the addresses of ${name}`;
  if (!found)
    return [
      loss({ of: name, what: "the load balancer is deleted", loses, path: "berth:loadBalancers", guard }),
    ];
  const [balancer, wanted] = found;
  if (wanted.location === location) return [];
  const what = `it is replaced, as it moves from ${location} to ${wanted.location}`;
  return [loss({ of: balancer, what, loses, path: `berth:loadBalancers.${balancer}.location`, guard })];
}
