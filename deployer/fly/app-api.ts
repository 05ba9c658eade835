import { z } from "zod";
import { type Asked, FlyFailure, FlyHttp, type FlyOptions } from "./http.ts";
import {
  type FlyAddress,
  type FlyVolume,
  flyAddress,
  flyApplication,
  flyCertificate,
  flySecrets,
  flyVolume,
} from "./shapes.ts";

const nothing = z.unknown();

/** A list that the API leaves out where it is empty. */
export const listOf = <T>(schema: z.ZodType<T>) =>
  z
    .array(schema)
    .nullish()
    .transform((list) => list ?? []);

/** Fly's API for one app and what belongs to it beside its machines. Errors are FlyFailures. */
export class FlyAppApi {
  readonly app: string;
  readonly http: FlyHttp;

  constructor(app: string, options: FlyOptions | FlyHttp) {
    this.app = app;
    this.http = options instanceof FlyHttp ? options : new FlyHttp(options);
  }

  get clock() {
    return this.http.clock;
  }

  /** The app; undefined where there is none of this name. One of another organisation's is a FlyFailure with 403. */
  async find(): Promise<z.infer<typeof flyApplication> | undefined> {
    return await absent(
      this.ask({ method: "GET", path: "", tried: `look for the app ${this.app}`, schema: flyApplication }),
    );
  }

  /** Make the app. A name that is taken is a FlyFailure with the code `name_taken`. */
  async create(organization: string): Promise<void> {
    await this.http.ask<unknown>({
      method: "POST",
      path: "/apps?wait=true",
      body: { name: this.app, org_slug: organization },
      tried: `make the app ${this.app} in the organisation ${organization}`,
      schema: nothing,
      find: () => this.find(),
    });
  }

  /** Delete the app with everything in it. */
  async delete(): Promise<void> {
    await absent(
      this.ask({ method: "DELETE", path: "", tried: `delete the app ${this.app}`, schema: nothing }),
    );
  }

  /** Names and digests of the app's secrets; their contents are nobody's to read. */
  async secrets(): Promise<z.infer<typeof flySecrets>> {
    return await this.ask({
      method: "GET",
      path: "/secrets",
      tried: `list the secrets of ${this.app}`,
      schema: flySecrets,
    });
  }

  /** Set secrets, and remove those that are null. Machines have them from their next update on. */
  async setSecrets(values: Record<string, string | null>): Promise<z.infer<typeof flySecrets>> {
    return await this.ask({
      method: "POST",
      path: "/secrets",
      body: { values },
      tried: `set the secrets ${Object.keys(values).toSorted().join(", ")} of ${this.app}`,
      schema: flySecrets,
    });
  }

  async volumes(): Promise<FlyVolume[]> {
    return await this.ask({
      method: "GET",
      path: "/volumes",
      tried: `list the volumes of ${this.app}`,
      schema: listOf(flyVolume),
    });
  }

  async createVolume(name: string, region: string, gigabytes: number): Promise<FlyVolume> {
    const before = new Set((await this.volumes()).map(({ id }) => id));
    return await this.ask({
      method: "POST",
      path: "/volumes",
      body: { name, region, size_gb: gigabytes, encrypted: true },
      tried: `make the volume ${name} of ${this.app} in ${region}`,
      schema: flyVolume,
      find: async () =>
        (await this.volumes()).find(
          (one) => !before.has(one.id) && one.name === name && one.region === region,
        ),
    });
  }

  async addresses(): Promise<FlyAddress[]> {
    const { ips } = await this.ask({
      method: "GET",
      path: "/ip_assignments",
      tried: `list the addresses of ${this.app}`,
      schema: z.looseObject({ ips: listOf(flyAddress) }),
    });
    return ips;
  }

  async assignAddress(type: string): Promise<FlyAddress> {
    const before = new Set((await this.addresses()).map(({ ip }) => ip));
    return await this.ask({
      method: "POST",
      path: "/ip_assignments",
      body: { type },
      tried: `assign an address (${type}) to ${this.app}`,
      schema: flyAddress,
      find: async () => (await this.addresses()).find(({ ip }) => !before.has(ip)),
    });
  }

  async releaseAddress(ip: string): Promise<void> {
    await absent(
      this.ask({
        method: "DELETE",
        path: `/ip_assignments/${encodeURIComponent(ip)}`,
        tried: `give back the address ${ip} of ${this.app}`,
        schema: nothing,
      }),
    );
  }

  /** A certificate; undefined where there is none for the name. */
  async certificate(name: string): Promise<z.infer<typeof flyCertificate> | undefined> {
    const path = `/certificates/${encodeURIComponent(name)}`;
    return await absent(
      this.ask({
        method: "GET",
        path,
        tried: `read the certificate for ${name} of ${this.app}`,
        schema: flyCertificate,
      }),
    );
  }

  async orderCertificate(name: string): Promise<void> {
    await this.ask<unknown>({
      method: "POST",
      path: "/certificates/acme",
      body: { hostname: name },
      tried: `order a certificate for ${name} of ${this.app}`,
      schema: nothing,
      find: () => this.certificate(name),
    });
  }

  async deleteCertificate(name: string): Promise<void> {
    const path = `/certificates/${encodeURIComponent(name)}`;
    await absent(
      this.ask({
        method: "DELETE",
        path,
        tried: `delete the certificate for ${name} of ${this.app}`,
        schema: nothing,
      }),
    );
  }

  /** A request below the app's own path. */
  protected ask<T>(asked: Asked<T>): Promise<T> {
    return this.http.ask({ ...asked, path: `/apps/${this.app}${asked.path}` });
  }
}

/** What was not there is undefined rather than an error. */
export async function absent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof FlyFailure && error.status === 404) return undefined;
    throw error;
  }
}
