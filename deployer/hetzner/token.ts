import type { StackConfig } from "../../config/stack.ts";
import { Failure } from "../failure.ts";

/** The provider takes no token of another length. */
const tokenLength = 64;

/** Where a token comes from and where it goes; part of every message about one. */
export const getToken =
  "make one in Hetzner's console, project > Security > API tokens, with read and write, and set it: pulumi config set --secret hcloud:token";

/** Whether the stack has anything at Hetzner. */
export const usesHetzner = (config: StackConfig): boolean =>
  Object.values(config.hosts).some(({ server }) => server !== undefined) ||
  Object.keys(config.loadBalancers).length > 0 ||
  Object.keys(config.dns).length > 0;

/** A token that cannot be one is told before it is tried. Its text is in no message. */
export function checkToken(token: string, from: string): void {
  if (token.length === tokenLength) return;
  throw new Failure({
    tried: `use the API token of ${from}`,
    cameBack: `it has ${token.length} characters, and Hetzner's have ${tokenLength}`,
    stands: "Nothing was created or changed.",
    next: getToken,
  });
}

/** Something at Hetzner without a token. */
export const missingToken = (): Failure =>
  new Failure({
    tried: "find an API token of Hetzner's, because the stack has something there",
    cameBack:
      "neither hcloud:token nor HCLOUD_TOKEN is set, so that offers and prices are those of the list that comes with Berth",
    stands: "Nothing was created or changed.",
    next: getToken,
  });

/** An order with a token that may only read. */
export const readOnlyToken = (from: string): Failure =>
  new Failure({
    tried: `order with the API token of ${from}`,
    cameBack: "it may only read",
    stands: "Nothing was created or changed.",
    next: getToken,
  });
