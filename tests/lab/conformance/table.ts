import type { ClientCount } from "./routes.ts";

/** How often each client asked for each route, what each asked for in all, and the routes that none did. */
export function conformanceTable(counts: readonly ClientCount[]): string {
  const served = [...new Set(counts.flatMap(({ routes }) => Object.keys(routes)))].sort(byPath);
  const asked = (route: string) => counts.map(({ routes }) => routes[route] ?? 0);
  const isAsked = (route: string) => asked(route).some((times) => times > 0);
  const letters = counts.map((_, index) => String.fromCharCode("A".charCodeAt(0) + index));
  const clients = counts.map(({ client, requests, routes }, index) => {
    const distinct = Object.values(routes).filter((times) => times > 0).length;
    return row([letters[index] ?? "", client], [requests, distinct]);
  });
  const total = counts.reduce((sum, { requests }) => sum + requests, 0);
  const none = served.filter((route) => !isAsked(route));
  return [
    `What real clients asked of the cloud, which has ${served.length} routes`,
    row(["", "client"], ["requests", "routes"]),
    ...clients,
    row(["", "together"], [total, served.length - none.length]),
    "",
    ...[letters, ...served.filter(isAsked).map(asked)].map((cells, index) => {
      const route = served.filter(isAsked)[index - 1] ?? "route";
      return `${cells.map((cell) => String(cell).padStart(5)).join("")}  ${route}`;
    }),
    "",
    none.length > 0 ? `Asked for by none of them:` : "Every route was asked for.",
    ...none.map((route) => `  ${route}`),
  ].join("\n");
}

function row([letter, name]: [string, string], numbers: [number | string, number | string]): string {
  return `  ${letter.padEnd(2)}${name.padEnd(48)}${numbers.map((cell) => String(cell).padStart(9)).join("")}`;
}

/** By what is asked for, then by how. */
function byPath(a: string, b: string): number {
  const turned = (route: string) => route.split(" ").reverse().join(" ");
  return turned(a) < turned(b) ? -1 : 1;
}
