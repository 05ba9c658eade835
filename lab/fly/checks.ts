import { type Json, jsonAt, type MachineConfig } from "../../deployer/fly/shapes.ts";
import type { GuestDriver } from "./driver.ts";
import type { CheckRecord } from "./records.ts";

/** A check of a machine. */
export interface CheckWanted {
  name: string;
  type: string;
  port: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  /** Milliseconds. */
  interval: number;
}

/** The checks of a configuration: of its services, and those beside them. */
export function checksWanted(config: MachineConfig): CheckWanted[] {
  const services = Array.isArray(config["services"]) ? config["services"] : [];
  const own = services.flatMap((service, place) => {
    const checks = jsonAt(service, "checks");
    const port = Number(jsonAt(service, "internal_port"));
    return (Array.isArray(checks) ? checks : []).map((check, index) =>
      wanted(`servicecheck-${place}${index}-${String(jsonAt(check, "type"))}-${port}`, check, port),
    );
  });
  const named = config["checks"];
  const others =
    typeof named === "object" && named !== null && !Array.isArray(named) ? Object.entries(named) : [];
  return [...own, ...others.map(([name, check]) => wanted(name, check ?? null, 0))];
}

function wanted(name: string, check: Json, port: number): CheckWanted {
  const headers = jsonAt(check, "headers");
  return {
    name,
    type: String(jsonAt(check, "type")),
    port: Number(jsonAt(check, "port") ?? port),
    method: String(jsonAt(check, "method") ?? "GET"),
    path: String(jsonAt(check, "path") ?? "/"),
    headers: Object.fromEntries(
      (Array.isArray(headers) ? headers : []).map((header) => {
        const values = jsonAt(header, "values");
        return [String(jsonAt(header, "name")), String(Array.isArray(values) ? values[0] : "")];
      }),
    ),
    interval: Number.parseFloat(String(jsonAt(check, "interval") ?? "15s")) * 1000,
  };
}

/** One attempt. */
export async function runCheck(driver: GuestDriver, id: string, check: CheckWanted): Promise<CheckRecord> {
  const { name } = check;
  try {
    if (check.type === "tcp")
      return (await driver.connects(id, check.port))
        ? { name, status: "passing", output: "Success" }
        : { name, status: "critical", output: "connect: connection refused" };
    const { status, body } = await driver.ask(id, check);
    return {
      name,
      status: status >= 200 && status < 300 ? "passing" : "critical",
      output: `${status} ${body.slice(0, 200)}`,
    };
  } catch (error) {
    return { name, status: "critical", output: error instanceof Error ? error.message : String(error) };
  }
}
