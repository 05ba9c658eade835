import packageJson from "../package.json" with { type: "json" };
import { serve } from "./framework/serve.ts";
import { ageKey } from "./resources/age-key.ts";
import { composeProject } from "./resources/compose-project.ts";
import { deployment } from "./resources/deployment.ts";
import { dockerHostService } from "./resources/docker-host-service.ts";
import { flyApp } from "./resources/fly-app.ts";
import { flyDeployment } from "./resources/fly-deployment.ts";
import { flySecrets } from "./resources/fly-secrets.ts";
import { hostKey } from "./resources/host-key.ts";
import { nixImage } from "./resources/nix-image.ts";
import { registryPush } from "./resources/registry-push.ts";
import { secrets } from "./resources/secrets.ts";
import { serverPower } from "./resources/server-power.ts";
import { closeSessions } from "./resources/sessions.ts";
import { sshKey } from "./resources/ssh-key.ts";

await serve({
  name: "berth",
  version: packageJson.version,
  resources: {
    "berth:deploy:Deployment": deployment,
    "berth:docker:HostService": dockerHostService(),
    "berth:host:Secrets": secrets,
    "berth:hetzner:ServerPower": serverPower(),
    "berth:host:HostKey": hostKey(),
    "berth:docker:ComposeProject": composeProject(),
    "berth:fly:App": flyApp(),
    "berth:fly:Secrets": flySecrets(),
    "berth:fly:Deployment": flyDeployment(),
    "berth:image:NixImage": nixImage(),
    "berth:image:RegistryPush": registryPush(),
    "berth:identity:AgeKey": ageKey,
    "berth:identity:SshKey": sshKey,
  },
  close: closeSessions,
});
