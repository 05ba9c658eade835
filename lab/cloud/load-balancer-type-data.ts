import { datedCatalogue } from "../../config/catalogue.ts";

/**
 * Load balancers that can be ordered: limits, and prices where they are public, are the product's own list.
 *
 * Ids and lb11's connections: Hetzner's public API description of July 2026. The connections of lb21 and lb31, and the prices of
 * those whose price is not public, were not found and are the lab's own.
 */
export interface LoadBalancerTypeData {
  id: number;
  name: string;
  maxConnections: number;
  maxServices: number;
  maxTargets: number;
  maxCertificates: number;
  /** Net price a month in EUR. */
  monthly: number;
}

const more: Readonly<Record<string, { id: number; maxConnections: number; ownPrice: number }>> = {
  lb11: { id: 1, maxConnections: 20_000, ownPrice: 7.49 },
  lb21: { id: 2, maxConnections: 40_000, ownPrice: 22.49 },
  lb31: { id: 3, maxConnections: 100_000, ownPrice: 44.99 },
};

export const loadBalancerTypes: readonly LoadBalancerTypeData[] = datedCatalogue.loadBalancerTypes.map(
  (type) => {
    const known = more[type.name];
    if (known === undefined) throw new Error(`no id for load balancer type ${type.name}`);
    const { id, maxConnections, ownPrice } = known;
    const { name, maxServices, maxTargets, maxCertificates } = type;
    const listed = Object.values(type.locations).find(({ monthly }) => monthly !== undefined)?.monthly;
    return {
      id,
      name,
      maxConnections,
      maxServices,
      maxTargets,
      maxCertificates,
      monthly: listed ?? ownPrice,
    };
  },
);
