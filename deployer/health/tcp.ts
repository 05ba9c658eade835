import { connect, isIP } from "node:net";
import { connectionFailed, overFamily, tooSlow, type Verdict } from "./verdict.ts";

/** Open a connection to a port of `address` once. Never throws: whatever goes wrong is the verdict. */
export function askPort(port: number, address: string, timeout: number): Promise<Verdict> {
  const started = Date.now();
  const asked = overFamily(`TCP port ${port}`, isIP(address));
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const settle = (verdict: Verdict) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(verdict);
    };
    const timer = setTimeout(() => settle(tooSlow(asked, timeout)), timeout);
    socket.once("connect", () => settle({ healthy: true, took: Date.now() - started }));
    socket.once("error", (error) => settle(connectionFailed(asked, "failed", error)));
  });
}
