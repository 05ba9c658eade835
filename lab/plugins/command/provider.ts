import packageJson from "@pulumi/command/package.json" with { type: "json" };
import type { ProviderDefinition } from "../../../provider/framework/types.ts";
import { standInNotice, standInRefusal } from "../notice.ts";
import { localCommand, localRun } from "./command.ts";

/** The stand-in for the provider plugin command. */
export const commandStandIn: ProviderDefinition = {
  name: "command",
  version: packageJson.version,
  resources: { "command:local:Command": localCommand },
  functions: { "command:local:run": localRun },
  async configure(_config, call) {
    call.log("info", standInNotice("command", packageJson.version));
  },
  unknownToken: (token) => standInRefusal("command", token),
};
