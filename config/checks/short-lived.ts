import { nameIn, planDns } from "../dns.ts";
import type { Problem } from "../problems.ts";
import { namesStack } from "../short-lived.ts";
import type { StackConfig } from "../stack.ts";
import type { Context } from "./context.ts";
import { hostPath } from "./context.ts";

/** What a short-lived stack would share with others, or could not be rid of again. */
export function checkShortLived({ stack, config, hosts }: Context): Problem[] {
  if (!config.shortLived) return [];
  const records = Object.entries(planDns(config, hosts)).flatMap(([zone, { create, records }]) =>
    create
      ? []
      : records
          .map(({ name }) => nameIn(zone, name))
          .filter((name) => !namesStack(name, stack))
          .map((name) => ({
            path: `berth:dns.${zone}`,
            message: `the zone is not this stack's alone, so the record ${name} has to have the name ${stack} in it`,
            example: `${stack}.${zone}`,
          })),
  );
  return [...sharedIn(stack, config), ...records];
}

/** What of that the configuration alone shows. Pure. */
export function sharedIn(stack: string, config: StackConfig): Problem[] {
  const { shortLived, protect, hosts, dns, containers, fly } = config;
  return [
    ...(shortLived && shortLived.stack !== stack
      ? [
          {
            path: "berth:shortLived",
            message: `it is of the stack ${shortLived.stack}; take it out, or this stack counts as short-lived`,
          },
        ]
      : []),
    ...(protect
      ? [
          {
            path: "berth:protect",
            message: "a short-lived stack has to go by itself, so nothing in it is protected",
            example: "false",
          },
        ]
      : []),
    ...Object.entries(hosts)
      .filter(([, { existing }]) => existing !== undefined)
      .map(([name]) => ({
        path: `${hostPath(name)}.existing`,
        message: "a machine that was ordered elsewhere stays when a short-lived stack goes; order a server",
        example: "server: { type: cx23, location: fsn1 }",
      })),
    ...Object.entries(containers)
      .filter(([, { on }]) => typeof on !== "string")
      .map(([name]) => ({
        path: `berth:containers.${name}.on`,
        message: "another machine is not a short-lived stack's alone; name one of its hosts",
        example: Object.keys(hosts)[0] ?? "web1",
      })),
    ...Object.entries(dns)
      .filter(([zone, { create }]) => create && !namesStack(zone, stack))
      .map(([zone]) => ({
        path: `berth:dns.${zone}.create`,
        message: `a short-lived stack makes no zone but one with its own name, ${stack}, in it`,
        example: "false",
      })),
    ...Object.keys(fly)
      .filter((app) => !namesStack(app, stack))
      .map((app) => ({
        path: `berth:fly.${app}`,
        message: `names of apps are one for all of Fly, so this one has to have the stack's name, ${stack}, in it`,
        example: `${app}-${stack}`,
      })),
  ];
}
