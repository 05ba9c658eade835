import * as pulumi from "@pulumi/pulumi";
import { credentialNames, type HostSecrets } from "../config/secrets.ts";
import { type VerifiedHostWay, withWay } from "./host-way.ts";

export interface SecretsArgs extends VerifiedHostWay {
  /** The machine; another one has none of them. */
  machineId: pulumi.Input<string>;
  /** Its installation; a machine that was installed anew has none of them, either. */
  installationId: pulumi.Input<string>;
  /**
   * Which secret each service gets as which credential.
   * @example { site: { DATABASE_URL: "db-url" } }
   */
  secrets: HostSecrets;
  /** Content of the secrets by name. Secret. */
  values: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * The secrets of a host's services, as systemd credentials encrypted on it. A resource of Berth's own provider
 * (`provider/resources/secrets.ts`): it puts them in place before a release is tried; the Deployment then restarts what uses changed ones,
 * and removes what no service expects any more.
 */
export class Secrets extends pulumi.CustomResource {
  /** Names of what is in place, by service. */
  declare readonly delivered: pulumi.Output<Record<string, string[]>>;
  /** Another one after each delivery. */
  declare readonly revision: pulumi.Output<string>;
  /** Names of what is to be in place, by service. */
  readonly names: Record<string, string[]>;

  constructor(name: string, args: SecretsArgs, opts?: pulumi.CustomResourceOptions) {
    const { secrets, values, ...rest } = args;
    const names = credentialNames(secrets);
    super(
      "berth:host:Secrets",
      name,
      {
        ...withWay(rest),
        // Each value a secret of its own, so that a preview tells by name which one changes.
        credentials: mapValues(names, (credentials, service) =>
          Object.fromEntries(
            credentials.map((credential) => [
              credential,
              pulumi.secret(contentOf(values, secrets[service]?.[credential] ?? "")),
            ]),
          ),
        ),
        delivered: undefined,
        revision: undefined,
      },
      opts,
    );
    this.names = names;
  }
}

function contentOf(values: SecretsArgs["values"], name: string): pulumi.Input<string> {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) throw new Error(`there is no secret "${name}"`);
  return value;
}

const mapValues = <In, Out>(
  map: Record<string, In>,
  change: (value: In, key: string) => Out,
): Record<string, Out> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
