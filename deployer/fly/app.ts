import type { FlyAddressType } from "../../config/fly.ts";
import { Failure } from "../failure.ts";
import type { FlyApi } from "./api.ts";
import type { FlyAddress } from "./shapes.ts";

/** What belongs to an app beside its machines. */
export interface AppFacts {
  organization: string;
  addresses: { type: FlyAddressType; ip: string }[];
  /** Names that it has a certificate for, of those that were asked for. */
  certificates: string[];
}

export interface WantedApp {
  organization: string;
  addresses: readonly FlyAddressType[];
  certificates: readonly string[];
}

/** What an address is: the API tells only whether it is shared. */
export function typeOfAddress({ ip, shared }: FlyAddress): FlyAddressType {
  if (ip.startsWith("fdaa:")) return "private_v6";
  if (ip.includes(":")) return "v6";
  return shared ? "shared_v4" : "v4";
}

/** What there is of an app; undefined where there is none. `certificates` are looked for by name. */
export async function readApp(api: FlyApi, certificates: readonly string[]): Promise<AppFacts | undefined> {
  const app = await api.find();
  if (!app) return undefined;
  const addresses = (await api.addresses()).map((address) => ({
    type: typeOfAddress(address),
    ip: address.ip,
  }));
  const there: string[] = [];
  for (const name of certificates) if (await api.certificate(name)) there.push(name);
  return {
    organization: app.organization?.slug ?? "",
    addresses: addresses.toSorted((a, b) => (a.ip < b.ip ? -1 : 1)),
    certificates: there,
  };
}

/** Make an app that there is not. One that is there is somebody's work, and is imported rather than taken. */
export async function makeApp(api: FlyApi, { organization }: WantedApp): Promise<void> {
  if (await api.find())
    throw new Failure({
      host: `${api.app} at Fly`,
      tried: "make the app",
      cameBack: "there is one of this name, and the token may change it",
      stands: "Nothing was changed.",
      next: `take it over: FLY_API_TOKEN=… pulumi import berth:fly:App ${api.app} ${api.app}; or choose another name`,
    });
  await api.create(organization);
}

/** Give an app the addresses and certificates that it shall have, and take those away that it had and shall no longer have. */
export async function furnishApp(api: FlyApi, wanted: WantedApp, had: readonly string[]): Promise<AppFacts> {
  const seen = await readApp(api, [...new Set([...wanted.certificates, ...had])]);
  for (const type of wanted.addresses)
    if (!seen?.addresses.some((one) => one.type === type)) await api.assignAddress(type);
  for (const name of wanted.certificates)
    if (!seen?.certificates.includes(name)) await api.orderCertificate(name);
  for (const name of seen?.certificates ?? [])
    if (!wanted.certificates.includes(name)) await api.deleteCertificate(name);
  for (const { type, ip } of seen?.addresses ?? [])
    if (!wanted.addresses.includes(type)) await api.releaseAddress(ip);
  const now = await readApp(api, wanted.certificates);
  if (!now)
    throw new Failure({
      host: `${api.app} at Fly`,
      tried: "read the app back",
      cameBack: "it is gone",
      next: "run this again",
    });
  return now;
}
