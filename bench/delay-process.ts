/** The delay lines, in a process of their own: neither contestant shares its processor time with them. */
import { DelayLine, type Passed } from "./delay-line.ts";

export type DelayRequest =
  | { call: number; do: "open"; address: string; port: number; roundTrip: number }
  | { call: number; do: "take"; port: number };
export type DelayAnswer = { call: number; port?: number; passed?: Passed; failed?: string };

const lines = new Map<number, DelayLine>();

async function answer(request: DelayRequest): Promise<Omit<DelayAnswer, "call">> {
  if (request.do === "take") return { passed: lines.get(request.port)?.take() };
  const { address, port, roundTrip } = request;
  const line = await DelayLine.open({ address, port }, roundTrip);
  lines.set(line.port, line);
  return { port: line.port };
}

process.on("message", (request: DelayRequest) => {
  answer(request).then(
    (answered) => process.send?.({ call: request.call, ...answered }),
    (error: Error) => process.send?.({ call: request.call, failed: error.message }),
  );
});
process.on("disconnect", () => process.exit(0));
// The terminal sends it to the whole group; whoever started this one ends it by hanging up.
process.on("SIGINT", () => undefined);
