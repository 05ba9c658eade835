import packageJson from "../package.json" with { type: "json" };
import { doneLater } from "./framework/later.ts";
import { serve } from "./framework/serve.ts";
import { end } from "./resources/at-end.ts";
import { deploymentDiff } from "./resources/deployment-diff.ts";
import { hostKeyDiff } from "./resources/host-key-diff.ts";
import { serverPowerDiff } from "./resources/server-power-diff.ts";

await serve({
  name: "berth",
  version: packageJson.version,
  // Loaded when the engine asks for one, as most stacks have few of these types; or, of what every host has, when there is something to do.
  resources: {
    "berth:deploy:Deployment": doneLater(
      deploymentDiff,
      async () => (await import("./resources/deployment.ts")).deployment,
    ),
    "berth:docker:HostService": async () =>
      (await import("./resources/docker-host-service.ts")).dockerHostService(),
    "berth:host:Secrets": async () => (await import("./resources/secrets.ts")).secrets,
    "berth:hetzner:ServerPower": doneLater(serverPowerDiff, async () =>
      (await import("./resources/server-power.ts")).serverPower(),
    ),
    "berth:host:HostKey": doneLater(hostKeyDiff, async () =>
      (await import("./resources/host-key.ts")).hostKey(),
    ),
    "berth:docker:ComposeProject": async () =>
      (await import("./resources/compose-project.ts")).composeProject(),
    "berth:fly:App": async () => (await import("./resources/fly-app.ts")).flyApp(),
    "berth:fly:Secrets": async () => (await import("./resources/fly-secrets.ts")).flySecrets(),
    "berth:fly:Deployment": async () => (await import("./resources/fly-deployment.ts")).flyDeployment(),
    "berth:image:NixImage": async () => (await import("./resources/nix-image.ts")).nixImage(),
    "berth:image:RegistryPush": async () => (await import("./resources/registry-push.ts")).registryPush(),
    "berth:identity:AgeKey": async () => (await import("./resources/age-key.ts")).ageKey,
    "berth:identity:SshKey": async () => (await import("./resources/ssh-key.ts")).sshKey,
  },
  // Asked of it by the program, so that the engine starts it (`components/start-provider.ts`).
  functions: { "berth:index:start": async () => ({}) },
  close: end,
});
