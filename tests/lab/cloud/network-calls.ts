import type { TestCloud } from "./client.ts";

/** What test networks span. */
export const range = "10.0.0.0/16";

/** A subnet as it is ordered; the cloud chooses its range where none is given. */
export const inEurope = (ip_range?: string) => ({ type: "cloud", network_zone: "eu-central", ip_range });

/** Orders a network with one subnet, 10.0.1.0/24. */
export const make = async (cloud: TestCloud, fields: object = {}) => {
  const body = { name: "net", ip_range: range, subnets: [inEurope("10.0.1.0/24")], ...fields };
  return (await cloud.post("/networks", body)).number("network.id");
};

/** An action of a network's. */
export const act = (cloud: TestCloud, id: number, name: string, body?: object) =>
  cloud.post(`/networks/${id}/actions/${name}`, body);

/** An action of a server's. */
export const onServer = (cloud: TestCloud, id: number, name: string, body: object) =>
  cloud.post(`/servers/${id}/actions/${name}`, body);

/** Where a server is in private networks. */
export const privateNet = async (cloud: TestCloud, server: number) =>
  (await cloud.get(`/servers/${server}`)).at("server.private_net");
