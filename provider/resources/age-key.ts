import { randomBytes } from "node:crypto";
import type { ResourceHandler } from "../framework/types.ts";

/**
 * An age key (X25519) that lives as long as the resource: what a host decrypts its sops files with.
 *
 * - inputs: none.
 * - outputs: `recipient` ("age1…"), `identity` ("AGE-SECRET-KEY-1…", secret).
 */
export const ageKey: ResourceHandler = {
  secretOutputs: ["identity"],

  async check(inputs) {
    const failures = Object.keys(inputs).map((property) => ({
      property,
      reason: "an AgeKey has no inputs",
    }));
    return { inputs: {}, failures };
  },

  async create() {
    // Loaded here alone: only a new host needs it.
    const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    return { id: randomBytes(8).toString("hex"), outputs: { recipient, identity } };
  },
};
