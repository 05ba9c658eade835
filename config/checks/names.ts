import type { Problem } from "../problems.ts";
import { type Context, hostPath, serverName } from "./context.ts";

/** Hetzner takes what RFC 1123 takes as one label of a host name. */
const longestName = 63;
const nameRule = /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
/** Berth's own labels begin so. */
const reserved = "berth-";

/** Names and labels of what is ordered. */
export function checkNames({ stack, config, running, takenNames }: Context): Problem[] {
  const problems: Problem[] = [];
  const ordered = Object.entries(config.hosts).filter(([, { server }]) => server !== undefined);
  for (const [host, { server }] of ordered) {
    const name = serverName(stack, host);
    if (!nameRule.test(stack)) {
      problems.push({
        path: hostPath(host),
        message: `its server would be "${name}", which is no host name, because the stack is named "${stack}": letters, digits and inner hyphens can be used`,
        example: "pulumi stack rename prod",
      });
    } else if (name.length > longestName) {
      problems.push({
        path: hostPath(host),
        message: `its server would be "${name}", and a host name has ${longestName} characters at most: shorten it by ${name.length - longestName}, or the stack's name`,
      });
    } else if (takenNames.includes(name) && !running?.servers.some((one) => one.name === name)) {
      problems.push({
        path: hostPath(host),
        message: `the project has a server "${name}" already that is not of this stack; name the host otherwise, or delete or rename that server`,
      });
    }
    for (const key of Object.keys(server?.labels ?? {})) {
      if (!key.startsWith(reserved)) continue;
      problems.push({
        path: `${hostPath(host)}.server.labels.${key}`,
        message: `labels that begin with ${reserved} are Berth's own: it finds by them what belongs to the stack`,
        example: key.slice(reserved.length) || "team",
      });
    }
  }
  return problems;
}
