import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from "node:tls";
import { connectionFailed, overFamily, tooSlow, type Verdict } from "./verdict.ts";

/** Bytes of a body that are read; a check looks for text near the top. */
const bodyLimit = 256 * 1024;

/** What an answer must be. */
export interface Expected {
  /** @default 200 */
  status?: number;
  body?: string;
}

/**
 * Ask once, over a new connection to `address`; Host and SNI are the URL's, so DNS plays no part.
 * A certificate that is not issued yet is no reason to go back: issuing it needs the release that asks for it. One that is expired or for
 * another name is. Never throws: whatever goes wrong is the verdict.
 */
export async function askUrl(
  url: URL,
  expected: Expected,
  address: string,
  timeout: number,
): Promise<Verdict> {
  const end = Date.now() + timeout;
  const { verdict, untrusted } = await ask(url, expected, address, timeout);
  if (!untrusted) return verdict;
  const again = await ask(url, expected, address, Math.max(1_000, end - Date.now()), { provisional: true });
  // Who signed it is the reason only where that is what is wrong with it.
  return again.untrusted ? verdict : again.verdict;
}

/** How OpenSSL says that nobody known has signed a certificate. */
const untrustedCodes: readonly (string | undefined)[] = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

interface Asked {
  verdict: Verdict;
  /** It is refused for who has signed its certificate. */
  untrusted?: boolean;
}

function ask(
  url: URL,
  expected: Expected,
  address: string,
  timeout: number,
  { provisional = false } = {},
): Promise<Asked> {
  const started = Date.now();
  const wanted = expected.status ?? 200;
  const asked = overFamily(`GET ${url.href}`, isIP(address));
  return new Promise((resolve) => {
    const unhealthy = (because: string, untrusted = false) =>
      resolve({ verdict: { healthy: false, because: `${asked} ${because}` }, untrusted });
    const failed = (error: NodeJS.ErrnoException, what: string) =>
      resolve(
        error.name === "AbortError" || error.name === "TimeoutError"
          ? { verdict: tooSlow(asked, timeout) }
          : {
              verdict: connectionFailed(asked, what, error),
              untrusted: untrustedCodes.includes(error.code),
            },
      );
    const secure = url.protocol === "https:";
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    const options = {
      host: address,
      port: url.port || (secure ? 443 : 80),
      path: url.pathname + url.search,
      method: "GET",
      headers: { host: url.host, "user-agent": "berth-health", connection: "close" },
      agent: false as const,
      signal: AbortSignal.timeout(timeout),
      // An address has no SNI.
      ...(secure && isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(provisional ? { rejectUnauthorized: false } : {}),
    };
    const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
      const certificate = provisional ? (response.socket as TLSSocket).getPeerCertificate() : undefined;
      if (certificate) {
        const misnamed = checkServerIdentity(hostname, certificate);
        if (misnamed) return failed(misnamed, "failed");
        if (!isProvisional(certificate)) return unhealthy("has a certificate of nobody known", true);
      }
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (body.length < bodyLimit) body = (body + chunk).slice(0, bodyLimit);
      });
      response.on("error", (error) => failed(error, "broke off"));
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        if (status !== wanted) {
          const whither = leadsTo(status, response.headers.location);
          return unhealthy(`answered ${status}${whither}, expected ${wanted}${excerpt(body)}`);
        }
        if (expected.body !== undefined && !body.includes(expected.body)) {
          return unhealthy(
            `answered ${status} without the text ${JSON.stringify(expected.body)}${excerpt(body)}`,
          );
        }
        const note = certificate && { note: `the certificate of ${hostname} is not issued yet` };
        resolve({ verdict: { healthy: true, took: Date.now() - started, ...note } });
      });
    });
    request.on("error", (error) => failed(error, "failed"));
    request.end();
  });
}

/**
 * Whether this is what a host shows until its certificate is there: signed by itself or by the throw-away authority that NixOS'
 * `security.acme` makes.
 */
function isProvisional({ issuer, subject }: PeerCertificate): boolean {
  const ownWord = JSON.stringify(issuer) === JSON.stringify(subject);
  const [authority] = [issuer.CN ?? ""].flat();
  return ownWord || authority?.startsWith("minica root ca") === true;
}

/** " to https://…": where a redirection leads; "" for any other answer. */
const leadsTo = (status: number, location: string | undefined): string =>
  status < 300 || status > 399 || !location ? "" : ` to ${location.slice(0, 120)}`;

/** What a page says, without its markup and style. */
const excerpt = (body: string): string => {
  const text = body.replaceAll(/<(style|script|head)\b[\s\S]*?<\/\1>|<[^>]*>/gi, " ");
  const line = text.replaceAll(/\s+/g, " ").trim().slice(0, 120);
  return line === "" ? "" : ` (${line})`;
};
