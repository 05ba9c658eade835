import { echoOf } from "../../lib/server/echo.ts";

interface Event {
  setHeaders(headers: Record<string, string>): void;
}

export const load = ({ setHeaders }: Event) => {
  setHeaders({ "cache-control": "no-store" });
  return { echo: echoOf(process.env) };
};
