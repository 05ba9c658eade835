import { InvalidArgumentError } from "commander";

/** An option's value that is a port. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError("A port is a number from 1 to 65535.");
}
