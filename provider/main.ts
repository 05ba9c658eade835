import packageJson from "../package.json" with { type: "json" };
import { serve } from "./framework/serve.ts";
import { ageKey } from "./resources/age-key.ts";
import { deployment } from "./resources/deployment.ts";
import { hostKey } from "./resources/host-key.ts";
import { secrets } from "./resources/secrets.ts";
import { serverPower } from "./resources/server-power.ts";
import { closeSessions } from "./resources/sessions.ts";
import { sshKey } from "./resources/ssh-key.ts";

await serve({
  name: "berth",
  version: packageJson.version,
  resources: {
    "berth:deploy:Deployment": deployment,
    "berth:host:Secrets": secrets,
    "berth:hetzner:ServerPower": serverPower(),
    "berth:host:HostKey": hostKey(),
    "berth:identity:AgeKey": ageKey,
    "berth:identity:SshKey": sshKey,
  },
  close: closeSessions,
});
