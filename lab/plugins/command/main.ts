import packageJson from "@pulumi/command/package.json" with { type: "json" };
import { serve } from "../../../provider/framework/serve.ts";
import { standInNotice, standInRefusal } from "../notice.ts";
import { localCommand, localRun } from "./command.ts";

await serve({
  name: "command",
  version: packageJson.version,
  resources: { "command:local:Command": localCommand },
  functions: { "command:local:run": localRun },
  async configure(_config, call) {
    call.log("info", standInNotice("command", packageJson.version));
  },
  unknownToken: (token) => standInRefusal("command", token),
});
