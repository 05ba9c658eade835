import packageJson from "../package.json" with { type: "json" };
import { serve } from "./framework/serve.ts";
import { ageKey } from "./resources/age-key.ts";
import { deployment } from "./resources/deployment.ts";
import { hostKey } from "./resources/host-key.ts";
import { secrets } from "./resources/secrets.ts";
import { serverPower } from "./resources/server-power.ts";
import { sshKey } from "./resources/ssh-key.ts";

await serve({
  name: "berth",
  version: packageJson.version,
  resources: {
    "berth:deploy:Deployment": deployment,
    "berth:hetzner:ServerPower": serverPower(),
    "berth:identity:AgeKey": ageKey,
    "berth:identity:SshKey": sshKey,
    "berth:host:HostKey": hostKey(),
  },
  close: closeSessions,
});
