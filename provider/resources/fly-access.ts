import { z } from "zod";
import { type Clock, realClock } from "../../deployer/clock.ts";
import { Failure } from "../../deployer/failure.ts";
import { FlyApi } from "../../deployer/fly/api.ts";
import { type FlyOptions, flyEndpoint } from "../../deployer/fly/http.ts";
import type { CallContext, Properties } from "../framework/types.ts";

/** What every resource at Fly is reached by. */
export const flyAccess = z.strictObject({
  /** The app's name. */
  app: z.string(),
  token: z.string(),
  /** With the version. */
  endpoint: z.string().default(flyEndpoint),
});

/** Ways that lead to the same app. */
export const flyWays: ReadonlySet<string> = new Set(["token", "endpoint", "registry"]);

export const flyOptions = (
  access: z.infer<typeof flyAccess>,
  call: CallContext,
  clock: Clock = realClock,
): FlyOptions => ({
  token: access.token,
  tokenFrom: "the stack (berth:flyToken, or FLY_API_TOKEN of the environment)",
  endpoint: access.endpoint,
  signal: call.signal,
  clock,
  say: (line) => call.status(line),
});

/** The API of one app, for one call. */
export const flyApi = (access: z.infer<typeof flyAccess>, call: CallContext, clock?: Clock): FlyApi =>
  new FlyApi(access.app, flyOptions(access, call, clock));

/** How something is reached that the state has, or that is imported by the app's name alone: with the token of the environment. */
export function accessOf(id: string, inputs: Properties): z.infer<typeof flyAccess> {
  const { app = id, token = process.env["FLY_API_TOKEN"], endpoint } = inputs;
  if (typeof token !== "string" || token === "")
    throw new Failure({
      tried: `import ${id}`,
      cameBack: "there is no token to ask Fly with",
      next: "set FLY_API_TOKEN and import it again",
    });
  return flyAccess.parse({ app, token, ...(typeof endpoint === "string" && { endpoint }) });
}
