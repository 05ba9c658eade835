import type { z } from "zod";
import type { ContainerService, PublishedPort } from "./container.ts";

/** What a service says that does not go together. Each is told where it is written. */
export function checkService(service: Rules, context: z.RefinementCtx): void {
  for (const { path, message } of contradictions(service))
    context.addIssue({ code: "custom", path, message });
}

type Rules = Pick<
  ContainerService,
  "image" | "push" | "login" | "env" | "secrets" | "ports" | "mounts" | "health" | "switch" | "writable"
>;
interface Contradiction {
  path: (string | number)[];
  message: string;
}

/** Pure. */
export function contradictions(service: Rules): Contradiction[] {
  const found: Contradiction[] = [];
  const { image, push, login, ports } = service;
  const say = (path: (string | number)[], message: string) => found.push({ path, message });

  if (push && image.reference !== undefined)
    say(["push"], "an image by reference is in its registry already; leave one of the two out");
  if (push && (push.user === undefined) !== (push.password === undefined))
    say(["push"], "user and password go together");
  if (login && image.reference === undefined)
    say(["login"], "only an image by reference is pulled with a login; push has its own");
  for (const name of Object.keys(service.env))
    if (service.secrets[name]?.as === "env")
      say(["env", name], "a secret has the same name; leave one of the two out");

  for (const [index, port] of ports.entries()) {
    const twin = ports.findIndex((other) => clash(port, other));
    if (twin < index) say(["ports", index], `${port.host}/${port.protocol} is published twice`);
  }
  const targets = [...service.mounts.map(({ target }) => target), ...(service.writable ?? [])];
  for (const target of new Set(targets.filter((one, index) => targets.indexOf(one) !== index)))
    say(["mounts"], `${target} is mounted twice`);

  const udp = ports.findIndex(({ protocol }) => protocol === "udp");
  if (service.switch === "proxy" && udp !== -1)
    say(["ports", udp], "udp cannot be handed over to the next release; use switch: recreate");
  if (service.switch === "proxy" && ports.length === 0)
    say(["switch"], "proxy is about ports, and none is published; name one, or use switch: recreate");
  return found;
}

/** Whether two ports cannot be had at once on one machine. */
export function clash(one: PublishedPort, other: PublishedPort): boolean {
  if (one.host !== other.host || one.protocol !== other.protocol) return false;
  const everywhere = ({ address }: PublishedPort) => ["", "0.0.0.0", "::"].includes(address);
  return everywhere(one) || everywhere(other) || one.address === other.address;
}
