import { byName } from "../deployer/runs/summary.ts";
import { asJson } from "./as-json.ts";
import type { StackView } from "./stack.ts";
import { table } from "./table.ts";

/** The stack's hosts for people, or for programs. Nothing in it is secret. */
export function hosts(stack: StackView, { json = false }: { json?: boolean }): string {
  const sorted = Object.entries(stack.hosts).sort(([one], [other]) => byName(one, other));
  if (json)
    return asJson(
      "hosts",
      stack.name,
      sorted.map(([host, known]) => ({ host, ...known })),
    );
  return table(
    ["host", "address", "type", "a month", "release"],
    sorted.map(([name, { address, port, type, pricePerMonth, release }]) => [
      name,
      port === 22 ? address : `${address} port ${port}`,
      type,
      pricePerMonth.toFixed(2),
      release.replace(/^\/nix\/store\//, ""),
    ]),
  );
}
