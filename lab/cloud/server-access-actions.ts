import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { ActionFailure } from "./actions.ts";
import type { Cloud } from "./context.ts";
import { disableRescue, enableRescue } from "./rescue.ts";
import { type serverActs, startAct } from "./server-act.ts";
import { publicKey } from "./ssh-keys.ts";

const rescue = z.object({
  type: z.literal("linux64").nullish(),
  ssh_keys: z.array(z.int()).nullish(),
});

/** Ways in beside the server's own: rescue system, password, console. */
export function serveAccessActions(cloud: Cloud, route: ReturnType<typeof serverActs>): void {
  route("enable_rescue", (server, request) => {
    const keys = (request.body(rescue).ssh_keys ?? []).map((key) => publicKey(cloud, key));
    const action = startAct(cloud, server, "enable_rescue", () => enableRescue(cloud, server, keys));
    const root_password = password();
    return { action, beside: () => ({ root_password }) };
  });
  route("disable_rescue", (server) => startAct(cloud, server, "disable_rescue", disableRescue));

  // The API promises the password for when the action succeeds; here it does not, because nothing could set it.
  route("reset_password", (server) => {
    const action = startAct(cloud, server, "reset_password", async () => {
      throw new ActionFailure(
        "action_failed",
        "the lab sets no passwords; log in with an SSH key the server was made with",
      );
    });
    const root_password = password();
    return { action, beside: () => ({ root_password }) };
  });

  // A host that can never exist says that nothing listens there.
  route("request_console", (server) => {
    const action = startAct(cloud, server, "request_console");
    const wss_url = `wss://the-lab-has-no-console.invalid/?server_id=${server.id}&token=${randomUUID()}`;
    return { action, beside: () => ({ wss_url, password: password() }) };
  });
}

/** As long as Hetzner's. */
function password(): string {
  return randomBytes(15).toString("base64url");
}
