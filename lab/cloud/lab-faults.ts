import { type Faults, fault } from "./faults.ts";
import type { Api } from "./http.ts";

/** `/lab/faults`: order, list and clear faults. */
export function serveFaults(api: Api, faults: Faults): void {
  api.lab("POST", "/faults", (request) => {
    const ordered = request.body(fault);
    faults.add(ordered);
    return { status: 201, body: { fault: ordered } };
  });
  api.lab("GET", "/faults", () => ({ status: 200, body: { faults: faults.pending } }));
  api.lab("DELETE", "/faults", () => {
    faults.clear();
    return { status: 204 };
  });
}
