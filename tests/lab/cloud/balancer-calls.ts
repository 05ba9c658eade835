import type { TestCloud } from "./client.ts";

/** The least that an order needs. */
export const order = { name: "lb", load_balancer_type: "lb11", location: "fsn1" };

/** Orders a load balancer and waits until it runs. */
export const make = async (cloud: TestCloud, fields: object = {}) => {
  const reply = await cloud.post("/load_balancers", { ...order, ...fields });
  await cloud.cloud.actions.settled();
  return reply.number("load_balancer.id");
};

/** An action of a load balancer, and what follows from it. */
export const act = async (cloud: TestCloud, id: number, name: string, body: object = {}) => {
  const reply = await cloud.post(`/load_balancers/${id}/actions/${name}`, body);
  await cloud.cloud.actions.settled();
  return reply;
};

/** What lies at a path of a load balancer. */
export const read = async (cloud: TestCloud, id: number, path: string) =>
  (await cloud.get(`/load_balancers/${id}`)).at(`load_balancer.${path}`);

/** A target that is a server. */
export const onServer = (id: number, more: object = {}) => ({ type: "server", server: { id }, ...more });

/** A service. */
export const web = { protocol: "http", listen_port: 80, destination_port: 8080 };

/** Orders a network with a subnet, 10.0.1.0/24. */
export const network = async (cloud: TestCloud, subnets: object[] = []) =>
  (
    await cloud.post("/networks", {
      name: "net",
      ip_range: "10.0.0.0/16",
      subnets: [{ type: "cloud", network_zone: "eu-central", ip_range: "10.0.1.0/24" }, ...subnets],
    })
  ).number("network.id");
