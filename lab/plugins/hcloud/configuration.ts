import type { Properties } from "../../../provider/framework/types.ts";
import type { ApiOptions } from "./api.ts";

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const TOKEN_LENGTH = 64;

/** What the program's configuration and the environment say, the program first. */
export function configuration(
  config: Properties,
  environment: NodeJS.ProcessEnv,
): Pick<ApiOptions, "endpoint" | "token" | "pollInterval" | "pollExponential"> {
  const text = (name: string, variable: string) =>
    (typeof config[name] === "string" && config[name]) || environment[variable] || "";
  return {
    token: text("token", "HCLOUD_TOKEN"),
    endpoint: (text("endpoint", "HCLOUD_ENDPOINT") || "https://api.hetzner.cloud/v1").replace(/\/$/, ""),
    pollInterval: milliseconds(text("pollInterval", "") || "500ms"),
    pollExponential: config.pollFunction !== "constant",
  };
}

/** What is wrong with the configuration, in the real provider's words. */
export function configurationFault(config: Properties, environment: NodeJS.ProcessEnv): string | undefined {
  const token =
    config.token === undefined && "token" in config ? undefined : config.token || environment.HCLOUD_TOKEN;
  if (typeof token === "string" && token !== "" && token.length !== TOKEN_LENGTH)
    return `could not validate provider configuration: entered token is invalid (must be exactly ${TOKEN_LENGTH} characters long). Check \`pulumi config get hcloud:token\`.`;
  const interval = config.pollInterval;
  if (typeof interval === "string" && Number.isNaN(milliseconds(interval)))
    return `pollInterval: ${JSON.stringify(interval)} is no duration such as "500ms". Check \`pulumi config get hcloud:pollInterval\`.`;
  if (config.pollFunction !== undefined && !["constant", "exponential"].includes(String(config.pollFunction)))
    return `pollFunction: ${JSON.stringify(config.pollFunction)} is neither "constant" nor "exponential". Check \`pulumi config get hcloud:pollFunction\`.`;
  return undefined;
}

/** The real provider's words for a configuration without a token. */
export const TOKEN_MISSING =
  "Missing Hetzner Cloud API token: While configuring the provider, the Hetzner Cloud API token was not found in the HCLOUD_TOKEN environment variable or provider configuration block token attribute.";

/** A Go duration such as "500ms" or "1m30s"; NaN when it is none. */
export function milliseconds(duration: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(duration)) return Number.NaN;
  let sum = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    sum += Number(amount) * (UNITS[unit ?? ""] ?? 0);
  return sum;
}
