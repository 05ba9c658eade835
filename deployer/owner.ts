import { hostname, userInfo } from "node:os";

/**
 * Who is at work on a host, told to whoever else would be.
 * @param more what they do, or since when
 * @example "ada@laptop (stack prod, rotating the host key)"
 */
export const ownerOf = (stack: string, ...more: string[]): string =>
  `${userInfo().username}@${hostname()} (${[`stack ${stack}`, ...more].join(", ")})`;
