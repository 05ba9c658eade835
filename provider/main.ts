import packageJson from "../package.json" with { type: "json" };
import { serve } from "./framework/serve.ts";
import { sshKey } from "./resources/ssh-key.ts";

await serve({
  name: "berth",
  version: packageJson.version,
  resources: {
    "berth:identity:SshKey": sshKey,
  },
});
