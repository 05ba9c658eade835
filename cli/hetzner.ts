import { z } from "zod";
import { Failure } from "../deployer/failure.ts";
import { resetServer } from "../deployer/hetzner/actions.ts";
import { defaultEndpoint, HetznerApi } from "../deployer/hetzner/api.ts";
import { checkToken, getToken } from "../deployer/hetzner/token.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { pulumi } from "./pulumi.ts";

const settings = z.record(z.string(), z.object({ value: z.string().optional() }));

/** How the stack reaches Hetzner, as the provider finds it: the configuration first, then the environment. */
export async function hetznerSettings(
  stack: string,
): Promise<{ token: { value: string; from: string }; endpoint: string }> {
  const configured = settings.safeParse(
    jsonOrUndefined(await pulumi(["config", "--show-secrets", "--json"], stack)),
  );
  const read = (key: string, variable: string) => {
    const value = configured.data?.[`hcloud:${key}`]?.value;
    return value ? { value, from: `hcloud:${key}` } : { value: process.env[variable] ?? "", from: variable };
  };
  const token = read("token", "HCLOUD_TOKEN");
  return { token, endpoint: read("endpoint", "HCLOUD_ENDPOINT").value || defaultEndpoint };
}

/**
 * Hetzner's API with the stack's token.
 * @param until when everything has to be done, in milliseconds since 1970
 */
export async function hetznerOf(
  stack: string,
  { until, say }: { until: number; say: (line: string) => void },
): Promise<HetznerApi> {
  const { token, endpoint } = await hetznerSettings(stack);
  if (token.value === "")
    throw new Failure({
      tried: "find an API token of Hetzner's",
      cameBack: "neither hcloud:token nor HCLOUD_TOKEN is set",
      next: getToken,
    });
  checkToken(token.value, token.from);
  const late = new AbortController();
  const because = new Failure({
    tried: "ask Hetzner's API",
    cameBack: "it took too long",
    next: "look at the server in Hetzner's console, then run this again",
  });
  setTimeout(() => late.abort(because), until - Date.now()).unref();
  return new HetznerApi({
    token: token.value,
    tokenFrom: token.from,
    endpoint,
    signal: late.signal,
    until,
    say,
    stands: "",
  });
}

/** Milliseconds that a reset may take. */
const resetDeadline = 120_000;

/** What resets a server from outside; undefined for a machine that was ordered elsewhere. */
export function resetOf(
  stack: string,
  { serverId }: { serverId: string },
  say: (line: string) => void,
): (() => Promise<void>) | undefined {
  if (serverId === "") return undefined;
  return async () => {
    const until = Date.now() + resetDeadline;
    await resetServer(await hetznerOf(stack, { until, say }), serverId, { until });
  };
}
