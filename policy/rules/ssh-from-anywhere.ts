import { fits, known, nameOf, type Resource, text, types } from "../resource.ts";

const SSH = 22;
/** Every address of a family, however it is written: "0.0.0.0/0", "::/0", "0:0::/0". */
const everybody = /\/0+$/;

/** Whether a firewall's port, "22", "20-25" or "any", has ssh in it. */
function hasSsh(port: string): boolean {
  if (port === "any") return true;
  const [from = Number.NaN, to = from] = port.split("-").map(Number);
  return from <= SSH && SSH <= to;
}

/** The rules of a firewall that open ssh to everybody. One whose values are not known before the update opens nothing that can be seen. */
export function sshFromAnywhere(resource: Resource, allow: readonly string[]): string[] {
  if (resource.type !== types.firewall || fits(nameOf(resource), allow)) return [];
  const rules = list(known(() => resource.props["rules"])).map((rule) => ({
    direction: text({ props: rule }, "direction"),
    protocol: text({ props: rule }, "protocol"),
    port: text({ props: rule }, "port"),
    sources: each(known(() => rule["sourceIps"])).filter((source) => everybody.test(String(source))),
  }));
  return rules
    .filter(({ direction, protocol, port }) => direction === "in" && protocol === "tcp" && hasSsh(port))
    .filter(({ sources }) => sources.length > 0)
    .map(
      ({ port, sources }) =>
        `${nameOf(resource)} opens ssh (port ${port}) to ${sources.join(" and ")}. Next: name the networks in berth:access.from, or the firewall in this rule's "allow".`,
    );
}

/** The elements of a list that are known. */
function each(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [];
  return Array.from({ length: value.length }, (_, index) => known(() => value[index] as unknown));
}

const list = (value: unknown): Record<string, unknown>[] =>
  each(value).filter((one): one is Record<string, unknown> => typeof one === "object" && one !== null);
