import { type Input, secret } from "@pulumi/pulumi/output.js";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import { defaultEndpoint } from "../deployer/hetzner/api.ts";

/** How resources of Berth's own reach Hetzner. */
export interface HetznerAccess {
  /** Empty in a preview without one. Secret. */
  token: Input<string>;
  /** With the version, e.g. "https://api.hetzner.cloud/v1". */
  endpoint: string;
}

/** The provider's own token and endpoint. */
export const hetznerAccess = (): HetznerAccess => ({
  token: secret(hetznerToken()?.value ?? ""),
  endpoint: hetznerEndpoint(),
});

/** The token and where it is from, e.g. "hcloud:token"; undefined when none is set. */
export const hetznerToken = (): { value: string; from: string } | undefined =>
  setting("token", "HCLOUD_TOKEN");

export const hetznerEndpoint = (): string => setting("endpoint", "HCLOUD_ENDPOINT")?.value ?? defaultEndpoint;

/** As the provider reads it: the configuration first, then the environment. */
function setting(key: string, variable: string): { value: string; from: string } | undefined {
  const configured = allConfig()[`hcloud:${key}`];
  if (configured) return { value: configured, from: `hcloud:${key}` };
  const value = process.env[variable];
  return value ? { value, from: variable } : undefined;
}
