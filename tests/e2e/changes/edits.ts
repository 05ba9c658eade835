import { expect } from "vitest";
import { fetchPage } from "../../../lab/journey/page.ts";
import type { HostEntry, StackFile, World } from "./world.ts";

/** A key that a person logs in with. */
export const person = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILgWWsd2SOCXDrbwOEpRoAtzBRqrj3ZnI9WixwWgdO/i ada";
const server = { type: "cx23", location: "fsn1", image: "debian-13" };

/** A host with nothing that it can do without. */
export const plainHost = { system: "web", server, healthDeadline: 60 };

/** A host of the stack file. */
export const host = (stack: StackFile, name: string): HostEntry => {
  const found = stack.hosts[name];
  if (!found) throw new Error(`the stack file has no host ${name}`);
  return found;
};

/** What lies under a key. */
export const map = (owner: Record<string, unknown>, key: string) => owner[key] as Record<string, unknown>;

/** The zone of the stack file. */
export const zone = (stack: StackFile) => map(map(stack, "dns"), "example.org");

/** The load balancer of the stack file. */
export const edge = (stack: StackFile) => map(map(stack, "loadBalancers"), "edge");
export const service = (port: number, targetPort = 80) => ({ protocol: "tcp", port, targetPort });
export const record = (name: string, value: string) => ({ name, type: "A", values: [value] });

/** Holds when a server of this type runs, with the disk that it had. */
export const typeOf = (name: string, type: string) => async (world: World) => {
  const { servers } = (await world.api("GET", `/servers?name=lab-${name}`)) as {
    servers: { status: string; server_type: { name: string }; primary_disk_size: number }[];
  };
  expect(servers).toEqual([
    expect.objectContaining({
      status: "running",
      server_type: expect.objectContaining({ name: type }),
      primary_disk_size: 40,
    }),
  ]);
};

/** Holds when a host's page is there. */
export const answers = (name: string) => async (world: World) => {
  await fetchPage(world.outputs.hosts[name]?.url ?? "");
};
