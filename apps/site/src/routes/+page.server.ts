import { version } from "$app/env";
import { greeting } from "../lib/greeting.ts";
import { releaseOf } from "../lib/server/release.ts";

interface Event {
  setHeaders(headers: Record<string, string>): void;
}

export const load = ({ setHeaders }: Event) => {
  setHeaders({ "cache-control": "no-cache" });
  return { greeting, ...releaseOf(process.env, version) };
};
