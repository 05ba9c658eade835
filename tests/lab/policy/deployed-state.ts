import { z } from "zod";

const resource = z.looseObject({
  urn: z.string(),
  type: z.string(),
  id: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});
const exported = z.looseObject({ deployment: z.looseObject({ resources: z.array(resource) }) });

const RELEASE = "/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nixos-system-web-lab";

/**
 * A state whose host was ordered, with a deployment and its closing firewall as an update leaves them. This cloud's servers are only a
 * table, so nothing can be deployed there.
 */
export function withDeployment(state: string, host: string): string {
  const read = exported.parse(JSON.parse(state));
  const { resources } = read.deployment;
  const of = (type: string, name = "") => {
    const found = resources.find((one) => one.type === type && one.urn.endsWith(name));
    if (!found) throw new Error(`the state has no ${type} ${name}`);
    return found;
  };
  const component = of("berth:index:NixosHost", `::${host}`).urn;
  const inside = (type: string, name: string) =>
    `${component.slice(0, component.lastIndexOf("::"))}$${type}::${name}`;
  const server = of("hcloud:index/server:Server");
  const inputs = { host, stack: "lab", toplevel: RELEASE, machineId: server.id };
  const deployment = {
    ...of("berth:identity:SshKey"),
    urn: inside("berth:deploy:Deployment", `${host}-deployment`),
    type: "berth:deploy:Deployment",
    id: `lab/${host}`,
    parent: component,
    dependencies: [server.urn],
    inputs,
    outputs: { ...inputs, release: RELEASE, bootDefault: RELEASE, previous: RELEASE, rebootDue: [] },
  };
  const open = of("hcloud:index/firewall:Firewall", `${host}-hardware-open-firewall`);
  const closing = {
    ...open,
    urn: inside("berth:hetzner:Firewall$hcloud:index/firewall:Firewall", `${host}-closing-firewall`),
    id: "4711",
    parent: component,
    dependencies: [deployment.urn],
    inputs: { ...open.inputs, name: `lab-${host}-closing` },
    outputs: { ...open.outputs, id: "4711", name: `lab-${host}-closing` },
  };
  resources.push(deployment, closing);
  return JSON.stringify(read);
}
