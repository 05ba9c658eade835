import {
  type PolicyConfigSchema,
  PolicyPack,
  type ReportViolation,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
} from "@pulumi/policy";
import { z } from "zod";
import { datedCatalogue } from "../config/catalogue.ts";
import { fits, type Resource, type StackResource, stackOf, types, type Violation } from "./resource.ts";
import { overCeiling } from "./rules/price-ceiling.ts";
import { unprotected } from "./rules/protected.ts";
import { replaced } from "./rules/replaced.ts";
import { sshFromAnywhere } from "./rules/ssh-from-anywhere.ts";
import { type Rule, type Settings, settings } from "./settings.ts";

interface Told {
  getConfig<T extends object>(): T;
  notApplicable(reason?: string): never;
}

/** A rule's settings, or what is wrong with them. The rule ends here for a stack that it does not hold for. */
function settingsFor<R extends Rule>(rule: R, urn: string, told: Told): Settings<R> | string {
  const read = settings[rule].safeParse(told.getConfig());
  if (!read.success)
    return `the settings of this rule are not right: ${z.prettifyError(read.error)}. Next: correct the file that --policy-pack-config names (docs/policy.md).`;
  const stack = stackOf(urn);
  if (!fits(stack, read.data.stacks))
    return told.notApplicable(`the stack ${stack} is none of ${read.data.stacks.join(", ")}`);
  return read.data as Settings<R>;
}

/** As the engine reads it, for its own look at the settings' types. */
const schemaOf = (rule: Rule): PolicyConfigSchema => {
  const { properties } = z.toJSONSchema(settings[rule], { io: "input" });
  return { properties } as PolicyConfigSchema;
};

const described = (name: Rule, description: string) => ({ name, description, configSchema: schemaOf(name) });

/** A rule over one resource, before anything is done to it. */
const resourceRule = <R extends Rule>(
  name: R,
  description: string,
  judge: (resource: Resource, settings: Settings<R>) => string[],
): ResourceValidationPolicy => ({
  ...described(name, description),
  validateResource: (args, report: ReportViolation) => {
    const wanted = settingsFor(name, args.urn, args);
    if (typeof wanted !== "string") for (const message of judge(args, wanted)) report(message);
    // Every stack has one resource of this type, so it is said once.
    else if (args.type === types.stack) report(wanted);
  },
});

/** A rule over the whole stack, once everything is planned or done. */
const stackRule = <R extends Rule>(
  name: R,
  description: string,
  judge: (resources: readonly StackResource[], settings: Settings<R>) => Violation[],
): StackValidationPolicy => ({
  ...described(name, description),
  validateStack: (args, report: ReportViolation) => {
    const stack = args.resources.find(({ type }) => type === types.stack) ?? args.resources[0];
    if (!stack) return args.notApplicable("the stack has nothing in it");
    const wanted = settingsFor(name, stack.urn, args);
    if (typeof wanted === "string") return report(wanted);
    for (const { message, urn } of judge(args.resources, wanted)) report(message, urn);
  },
});

new PolicyPack("berth", {
  enforcementLevel: "mandatory",
  policies: [
    resourceRule("protected", "Servers, volumes and zones are protected.", unprotected),
    resourceRule("ssh-from-anywhere", "No firewall opens ssh to everybody.", (resource, { allow }) =>
      sshFromAnywhere(resource, allow),
    ),
    stackRule("replaced", "No server and no deployment is replaced.", (resources, { allow }) =>
      replaced(resources, allow),
    ),
    stackRule("price-ceiling", "The stack costs no more than its ceiling.", (resources, { perMonth }) =>
      perMonth === undefined
        ? []
        : overCeiling(resources, perMonth, datedCatalogue).map((message) => ({ message })),
    ),
  ],
});
