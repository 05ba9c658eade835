import packageJson from "../package.json" with { type: "json" };
import { serve } from "./framework/serve.ts";

const loadDeployment = async () => (await import("./resources/deployment.ts")).deployment;

await serve({
  name: "berth",
  version: packageJson.version,
  // Loaded when the engine asks for one: most stacks have few of these types.
  resources: {
    "berth:deploy:Deployment": loadDeployment,
    "berth:docker:HostService": async () =>
      (await import("./resources/docker-host-service.ts")).dockerHostService(),
    "berth:host:Secrets": async () => (await import("./resources/secrets.ts")).secrets,
    "berth:hetzner:ServerPower": async () => (await import("./resources/server-power.ts")).serverPower(),
    "berth:host:HostKey": async () => (await import("./resources/host-key.ts")).hostKey(),
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
  // The most to load of what nearly every stack has: while the program is still busy. What that fails with is told to who asks for it.
  configure: async () => void setImmediate(() => void loadDeployment().catch(() => undefined)),
  // Asked of it by the program, so that the engine starts it (`components/start-providers.ts`).
  functions: { "berth:index:start": async () => ({}) },
  close: async () => (await import("./resources/sessions.ts")).closeSessions(),
});
