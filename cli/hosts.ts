import { byName } from "../deployer/runs/summary.ts";
import type { StackView } from "./stack.ts";
import { table } from "./table.ts";

/** The stack's hosts for people, or for programs. Nothing in it is secret. */
export function hosts(stack: StackView, { json = false }: { json?: boolean }): string {
  if (json) return JSON.stringify(stack.hosts, undefined, 2);
  return table(
    ["host", "address", "type", "a month", "release"],
    Object.entries(stack.hosts)
      .sort(([one], [other]) => byName(one, other))
      .map(([name, { address, port, type, pricePerMonth, release }]) => [
        name,
        port === 22 ? address : `${address} port ${port}`,
        type,
        pricePerMonth.toFixed(2),
        release.replace(/^\/nix\/store\//, ""),
      ]),
  );
}
