/**
 * Load balancers that can be ordered.
 *
 * Date: April 2026 to September 2026. Sources: Hetzner's public API description (limits and connections of lb11) and its price
 * adjustment of April 2026 (lb11). The other connections and prices were not found and are the lab's own.
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

export const loadBalancerTypes: readonly LoadBalancerTypeData[] = [
  {
    id: 1,
    name: "lb11",
    maxConnections: 20_000,
    maxServices: 5,
    maxTargets: 25,
    maxCertificates: 10,
    monthly: 7.49,
  },
  {
    id: 2,
    name: "lb21",
    maxConnections: 40_000,
    maxServices: 15,
    maxTargets: 75,
    maxCertificates: 25,
    monthly: 22.49,
  },
  {
    id: 3,
    name: "lb31",
    maxConnections: 100_000,
    maxServices: 30,
    maxTargets: 150,
    maxCertificates: 50,
    monthly: 44.99,
  },
];
