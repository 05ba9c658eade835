import type { BalancerHealth, BalancerSpec } from "../../cloud/driver.ts";

export type Health = BalancerHealth["targets"][number]["status"];

/** What haproxy says of one server: its status, and how its last check went. */
export interface ServerState {
  backend: string;
  server: string;
  /** "UP", "UP 2/3" (will be down soon), "DOWN", "DOWN 1/2", … */
  status: string;
  /** "INI" before the first check. */
  check: string;
}

/** The servers in the answer to `show stat`, which is CSV with a header. */
export function serverStates(csv: string): ServerState[] {
  const [header = "", ...lines] = csv.trim().split("\n");
  const names = header.replace(/^#\s*/, "").split(",");
  const column = (cells: string[], name: string) => cells[names.indexOf(name)] ?? "";
  return lines
    .map((line) => line.split(","))
    .map((cells) => ({
      backend: column(cells, "pxname"),
      server: column(cells, "svname"),
      status: column(cells, "status"),
      check: column(cells, "check_status"),
    }))
    .filter(({ server }) => server !== "FRONTEND" && server !== "BACKEND");
}

/**
 * A target's health: what was known before stands until a check has said something else as often as it takes, and over a
 * reload, after which haproxy starts to count anew.
 */
export function healthOf({ status, check }: Pick<ServerState, "status" | "check">, before: Health): Health {
  if (check === "INI" || check === "") return before;
  if (status.startsWith("DOWN")) return "unhealthy";
  if (status === "UP") return "healthy";
  return before;
}

/** Name of a target of a service in `known`. */
export const healthKey = (listenPort: number, address: string) => `${listenPort} ${address}`;

/** Health of every target of every service, from what is known by port and address. */
export function balancerHealth(spec: BalancerSpec, known: ReadonlyMap<string, Health>): BalancerHealth {
  const targets = spec.services.flatMap(({ listenPort }) =>
    spec.targets.map(({ key, address }) => ({
      key,
      listenPort,
      status: known.get(healthKey(listenPort, address)) ?? ("unknown" as const),
    })),
  );
  return { id: spec.id, targets };
}
