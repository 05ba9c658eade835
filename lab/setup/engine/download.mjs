// Runs on Node 24: node24 download.mjs FOLDER. Puts Pulumi's own release of the SDK's version into FOLDER/bin.
import { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { messageOf } from "../trouble.mjs";

try {
  await PulumiCommand.install({ root: process.argv[2] });
} catch (error) {
  process.stderr.write(`${messageOf(error).trim().split("\n")[0]}\n`);
  process.exitCode = 1;
}
