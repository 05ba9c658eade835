import packageJson from "@pulumi/hcloud/package.json" with { type: "json" };
import type { ProviderDefinition } from "../../../provider/framework/types.ts";
import { standInNotice, standInRefusal } from "../notice.ts";
import { Api } from "./api.ts";
import { configuration, configurationFault, TOKEN_MISSING } from "./configuration.ts";
import { firewall } from "./firewall.ts";
import { primaryIp } from "./primary-ip.ts";
import { type CloudResource, handler } from "./resource.ts";
import { server } from "./server.ts";
import { sshKey } from "./ssh-key.ts";

/** Every resource type the stand-in has, by its token. */
const RESOURCES: Record<string, CloudResource> = {
  "hcloud:index/sshKey:SshKey": sshKey,
  "hcloud:index/primaryIp:PrimaryIp": primaryIp,
  "hcloud:index/firewall:Firewall": firewall,
  "hcloud:index/server:Server": server,
};

const { version } = packageJson;

/** The stand-in for the provider plugin hcloud. `retryBase` shortens the pauses between repeats for tests. */
export function hcloudStandIn(environment: NodeJS.ProcessEnv, retryBase?: number): ProviderDefinition {
  let api: Api | undefined;
  const configured = () => {
    if (!api) throw new Error("the provider hcloud was used before it was configured");
    return api;
  };
  return {
    name: "hcloud",
    version,
    resources: Object.fromEntries(
      Object.entries(RESOURCES).map(([token, resource]) => [token, handler(resource, configured)]),
    ),
    async checkConfig(config) {
      const reason = configurationFault(config, environment);
      return reason ? [{ property: "", reason }] : [];
    },
    async configure(config, call) {
      const options = configuration(config, environment);
      if (options.token === "") throw new Error(TOKEN_MISSING);
      api = new Api({ ...options, userAgent: `berth-lab-stand-in/${version}`, retryBase });
      call.log("info", standInNotice("hcloud", version));
    },
    unknownToken: (token) => standInRefusal("hcloud", token),
  };
}
