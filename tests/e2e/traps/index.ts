/** A program with one installation, bent as a test says: its variant is JSON in the file that BERTH_TRAP names. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Installation, type InstallationArgs } from "../../../components/installation.ts";

/** What a test bends. */
export interface Variant {
  args: InstallationArgs;
  /** Name of the component. @default "web1-installation" */
  name?: string;
  /** Inputs of the command that are other ones, as after an edit or another version of the plugin. */
  inputs?: Record<string, unknown>;
  /** As if the command had been written without them. */
  withoutIgnoreChanges?: boolean;
}

const variant = JSON.parse(readFileSync(process.env.BERTH_TRAP ?? "", "utf8")) as Variant;
const { args, name = "web1-installation", inputs = {}, withoutIgnoreChanges = false } = variant;

const bend: pulumi.ResourceTransform = ({ type, props, opts }) =>
  type === "command:local:Command"
    ? {
        props: { ...props, ...inputs },
        opts: pulumi.mergeOptions(opts, withoutIgnoreChanges ? { ignoreChanges: [] } : {}),
      }
    : undefined;

export const { installed } = new Installation(
  name,
  { ...args, privateKey: pulumi.secret(args.privateKey) },
  { transforms: [bend] },
);
