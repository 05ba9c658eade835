import { Agent } from "node:https";
import acme from "acme-client";
import type { Issued } from "./self-signed.ts";
import { reason } from "./store.ts";

/** Where certificates come from. */
export interface AcmeServer {
  directory: string;
  /** PEM of the root that signs the server's own TLS. */
  root: string;
}

/** Serves a text at a name, e.g. at "_acme-challenge.example.com"; resolves when it is served, with what takes it away. */
export type ServeText = (name: string, value: string) => Promise<() => Promise<void>>;

/** The authority did not find the text it looked for. */
export class ChallengeFailed extends Error {}

/** Milliseconds between looks at an order, and how many there are. */
const polling = { backoffMin: 500, backoffMax: 3000, backoffAttempts: 30 };
const requestPatience = 20_000;
/** Of requests that met a busy server or none; seconds in between. */
const retries = { retryMaxAttempts: 2, retryDefaultDelay: 1 };

/** Orders a certificate for domains, each proven by a text in its zone (DNS-01). */
export async function orderCertificate(
  server: AcmeServer,
  domains: readonly string[],
  serve: ServeText,
): Promise<Issued> {
  // The library's requests are its own, so that nothing else trusts this root.
  Object.assign(acme.axios.defaults, {
    httpsAgent: new Agent({ ca: server.root }),
    proxy: false,
    timeout: requestPatience,
    acmeSettings: retries,
  });
  const client = new acme.Client({
    directoryUrl: server.directory,
    accountKey: await acme.crypto.createPrivateEcdsaKey(),
    ...polling,
  });
  await client.createAccount({ termsOfServiceAgreed: true });
  const order = await client.createOrder({
    identifiers: domains.map((value) => ({ type: "dns", value })),
  });
  const removals: (() => Promise<void>)[] = [];
  try {
    for (const authorization of await client.getAuthorizations(order)) {
      if (authorization.status === "valid") continue;
      const challenge = authorization.challenges.find(({ type }) => type === "dns-01");
      if (challenge === undefined) {
        throw new Error(
          `${server.directory} offers no dns-01 challenge for ${authorization.identifier.value}`,
        );
      }
      const text = await client.getChallengeKeyAuthorization(challenge);
      removals.push(await serve(`_acme-challenge.${authorization.identifier.value}`, text));
      await client.completeChallenge(challenge);
      await client.waitForValidStatus(challenge).catch((error) => {
        throw new ChallengeFailed(`${authorization.identifier.value}: ${reason(error)}`);
      });
    }
    const [privateKey, csr] = await acme.crypto.createCsr(
      { altNames: [...domains] },
      await acme.crypto.createPrivateEcdsaKey(),
    );
    const finalized = await client.finalizeOrder(order, csr);
    return { certificate: await client.getCertificate(finalized), privateKey: privateKey.toString() };
  } finally {
    await Promise.all(removals.map((remove) => remove().catch(() => undefined)));
  }
}
