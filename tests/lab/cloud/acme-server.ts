import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import * as x509 from "@peculiar/x509";
import type { AcmeServer } from "../../../lab/cloud/acme.ts";
import { selfSigned } from "../../../lab/cloud/self-signed.ts";

const subjectAltName = "2.5.29.17";
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

/** A certificate authority (RFC 8555) that proves names by DNS-01 alone, keeps to the protocol's order and believes every signature. */
export interface TestAuthority extends AcmeServer {
  /** Names that were proven, in order. */
  proven: string[];
  close(): void;
}

interface Challenge {
  name: string;
  token: string;
  status: "pending" | "valid" | "invalid";
}

/** @param lookUp the texts served at a name, e.g. at "_acme-challenge.example.com" */
export async function testAuthority(lookUp: (name: string) => string[]): Promise<TestAuthority> {
  const tls = await selfSigned(["localhost"], new Date());
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Test authority",
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true)],
  });
  const challenges: Challenge[] = [];
  const proven: string[] = [];
  let domains: string[] = [];
  let thumbprint = "";
  let certificate = "";
  let base = "";

  const orderOf = () => ({
    status: certificate
      ? "valid"
      : challenges.every(({ status }) => status === "valid")
        ? "ready"
        : "pending",
    identifiers: domains.map((value) => ({ type: "dns", value })),
    authorizations: challenges.map((_, index) => `${base}/authorization/${index}`),
    finalize: `${base}/finalize`,
    ...(certificate ? { certificate: `${base}/certificate` } : {}),
  });
  const shown = (index: number) => {
    const { token, status } = challenges[index] as Challenge;
    const error = { type: "urn:ietf:params:acme:error:unauthorized", detail: "no such text was found" };
    const url = `${base}/challenge/${index}`;
    return { type: "dns-01", url, token, status, ...(status === "invalid" ? { error } : {}) };
  };
  const prove = (challenge: Challenge) => {
    const expected = sha256(`${challenge.token}.${thumbprint}`);
    const found = lookUp(`_acme-challenge.${challenge.name}`).includes(expected);
    challenge.status = found ? "valid" : "invalid";
    if (found) proven.push(challenge.name);
  };
  const sign = async (csr: string) => {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(csr, "base64url"));
    const names = request.getExtension(subjectAltName);
    const leaf = await x509.X509CertificateGenerator.create({
      subject: "",
      issuer: root.subject,
      publicKey: await request.publicKey.export(),
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      notAfter: new Date(Date.now() + 90 * 24 * 60 * 60 * 1000),
      extensions: names ? [names] : [],
    });
    certificate = `${leaf.toString("pem")}\n${root.toString("pem")}\n`;
  };

  type Signed = { protected: { jwk?: Record<string, string> }; payload: Record<string, unknown> };
  const answer = async (
    path: string,
    body: Signed,
  ): Promise<{ status?: number; location?: string; body: unknown }> => {
    const [, what, index = ""] = path.split("/");
    switch (what) {
      case "account": {
        const { crv, kty, x, y } = body.protected.jwk ?? {};
        thumbprint = sha256(JSON.stringify({ crv, kty, x, y }));
        return { status: 201, location: `${base}/account/1`, body: { status: "valid" } };
      }
      case "order":
        if (Array.isArray(body.payload.identifiers)) {
          domains = body.payload.identifiers.map(({ value }) => value);
          certificate = "";
          const names = domains.map((domain) => domain.replace(/^\*\./, ""));
          challenges.splice(0, challenges.length, ...names.map(newChallenge));
        }
        return { status: 201, location: `${base}/order/1`, body: orderOf() };
      case "authorization": {
        const { name, status } = challenges[Number(index)] as Challenge;
        return {
          body: { identifier: { type: "dns", value: name }, status, challenges: [shown(Number(index))] },
        };
      }
      case "challenge":
        if (challenges[Number(index)]?.status === "pending") prove(challenges[Number(index)] as Challenge);
        return { body: shown(Number(index)) };
      case "finalize":
        await sign(String(body.payload.csr));
        return { location: `${base}/order/1`, body: orderOf() };
      case "certificate":
        return { body: certificate };
      default:
        return {
          body: {
            newNonce: `${base}/nonce`,
            newAccount: `${base}/account`,
            newOrder: `${base}/order`,
            meta: {},
          },
        };
    }
  };

  const server = createServer({ key: tls.privateKey, cert: tls.certificate }, async (request, response) => {
    const { status = 200, location, body } = await answer(request.url ?? "", await signedBody(request));
    const text = typeof body === "string";
    response.writeHead(status, {
      "content-type": text ? "application/pem-certificate-chain" : "application/json",
      "replay-nonce": randomBytes(8).toString("hex"),
      ...(location ? { location } : {}),
    });
    response.end(text ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  base = `https://localhost:${(server.address() as AddressInfo).port}`;
  return { directory: `${base}/directory`, root: tls.certificate, proven, close: () => void server.close() };
}

function newChallenge(name: string): Challenge {
  return { name, token: randomBytes(16).toString("base64url"), status: "pending" };
}

async function signedBody(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const parse = (text: string | undefined) =>
    text ? JSON.parse(Buffer.from(text, "base64url").toString()) : {};
  const signed = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
  return { protected: parse(signed.protected), payload: parse(signed.payload) };
}
