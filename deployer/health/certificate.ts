import { isIP } from "node:net";
import { connect } from "node:tls";
import { reasonOf, secondsOf } from "./verdict.ts";

/** What a server shows for a name. */
export type SeenCertificate =
  | {
      /** When it begins and ends to be valid. */
      from: Date;
      until: Date;
      /** Why nobody trusts it, in OpenSSL's or Node's word, e.g. "CERT_HAS_EXPIRED". */
      refused?: string;
    }
  | {
      /** Why there was none to see. */
      because: string;
    };

/** A name and the port its certificate is shown at. */
export interface SecureName {
  name: string;
  port: number;
}

/** The names that addresses beginning with https:// are for, each once; bare addresses have none. Pure. */
export function secureNames(urls: readonly string[]): SecureName[] {
  const names = urls.flatMap((text) => {
    const { protocol, hostname, port } = new URL(text);
    const isName = isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
    return protocol === "https:" && isName ? [{ name: hostname, port: Number(port || 443) }] : [];
  });
  return names.filter(
    (one, index) => names.findIndex(({ name, port }) => name === one.name && port === one.port) === index,
  );
}

/**
 * Look at the certificate that `address` shows for a name; DNS plays no part. Never throws.
 * @param timeout milliseconds
 */
export function askCertificate(
  { name, port }: SecureName,
  address: string,
  timeout: number,
): Promise<SeenCertificate> {
  return new Promise((resolve) => {
    // Looked at whoever has signed it: why it is refused is the answer.
    const socket = connect({ host: address, port, servername: name, rejectUnauthorized: false });
    const settle = (seen: SeenCertificate) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(seen);
    };
    const timer = setTimeout(
      () => settle({ because: `no answer on port ${port} within ${secondsOf(timeout)}` }),
      timeout,
    );
    socket.once("error", (error) => settle({ because: `TLS on port ${port} failed: ${reasonOf(error)}` }));
    socket.once("secureConnect", () => {
      const { valid_from: from, valid_to: until } = socket.getPeerCertificate();
      const { authorizationError: error } = socket;
      const refused = error instanceof Error ? reasonOf(error) : error;
      settle({
        from: new Date(from),
        until: new Date(until),
        ...(socket.authorized ? {} : { refused: String(refused) }),
      });
    });
  });
}
