import * as pulumi from "@pulumi/pulumi";
import { type ShortLived, shortLivedRecord } from "../config/short-lived.ts";

/**
 * Write into the stack's state that it is short-lived, and on which terms; resolves once it stands there. Await it before anything else is
 * made: what costs is then never without it, however the update ends.
 */
export async function recordShortLived(terms: ShortLived): Promise<void> {
  const record = new pulumi.Stash(shortLivedRecord, { input: { ...terms } });
  await new Promise<void>((resolve) => {
    record.urn.apply(() => resolve());
  });
}
