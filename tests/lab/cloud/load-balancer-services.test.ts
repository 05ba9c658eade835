import { expect, test } from "vitest";
import { threeDigits } from "../../../lab/cloud/balancer-sync.ts";
import { act, make, onServer, read, web } from "./balancer-calls.ts";
import { code, orderServer, testCloud } from "./client.ts";

test("a service gets Hetzner's usual values where nothing is given", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, {
    services: [{ protocol: "tcp", listen_port: 22, destination_port: 2222 }, { protocol: "http" }],
  });
  expect(await read(cloud, id, "services")).toEqual([
    {
      protocol: "tcp",
      listen_port: 22,
      destination_port: 2222,
      proxyprotocol: false,
      health_check: { protocol: "tcp", port: 2222, interval: 15, timeout: 10, retries: 3 },
    },
    {
      protocol: "http",
      listen_port: 80,
      destination_port: 80,
      proxyprotocol: false,
      http: {
        cookie_name: "HCLBSTICKY",
        cookie_lifetime: 300,
        timeout_idle: 50,
        certificates: [],
        redirect_http: false,
        sticky_sessions: false,
      },
      health_check: {
        protocol: "http",
        port: 80,
        interval: 15,
        timeout: 10,
        retries: 3,
        http: { domain: null, path: "/", response: "", status_codes: ["2??", "3??"], tls: false },
      },
    },
  ]);
});

test("services are added, changed field by field, and deleted; the driver follows", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  const added = await act(cloud, id, "add_service", {
    ...web,
    http: { sticky_sessions: true, cookie_name: "WHERE", cookie_lifetime: 60 },
    health_check: {
      protocol: "http",
      port: 9,
      http: { path: "/ok", status_codes: ["2*"], domain: "a.example" },
    },
  });
  expect(added.at("action.command")).toBe("add_service");
  expect(cloud.driver.balancers[0]?.services).toEqual([
    {
      listenPort: 80,
      destinationPort: 8080,
      protocol: "http",
      proxyProtocol: false,
      http: {
        cookie: { name: "WHERE", lifetime: 60 },
        redirectHttp: false,
        idleTimeout: 50,
        certificates: [],
      },
      healthCheck: {
        protocol: "http",
        port: 9,
        interval: 15,
        timeout: 10,
        retries: 3,
        http: { domain: "a.example", path: "/ok", response: null, statusCodes: ["2??"], tls: false },
      },
    },
  ]);
  await act(cloud, id, "update_service", {
    listen_port: 80,
    proxyprotocol: true,
    health_check: { retries: 5, http: { domain: null, tls: true } },
  });
  expect(await read(cloud, id, "services.0")).toMatchObject({
    destination_port: 8080,
    proxyprotocol: true,
    http: { cookie_name: "WHERE", sticky_sessions: true },
    health_check: { port: 9, retries: 5, http: { domain: null, path: "/ok", tls: true } },
  });
  await act(cloud, id, "update_service", {
    listen_port: 80,
    protocol: "tcp",
    health_check: { protocol: "tcp" },
  });
  expect(await read(cloud, id, "services.0.http")).toBeUndefined();
  expect(await read(cloud, id, "services.0.health_check.http")).toBeUndefined();
  expect(cloud.driver.balancers[0]?.services[0]).toMatchObject({ http: null, healthCheck: { http: null } });
  expect(code(await act(cloud, id, "delete_service", { listen_port: 81 }))).toEqual([404, "not_found"]);
  expect((await act(cloud, id, "delete_service", { listen_port: 80 })).at("action.command")).toBe(
    "delete_service",
  );
  expect(cloud.driver.balancers[0]?.services).toEqual([]);
});

test.each([
  ["a certificate for http", { ...web, http: { certificates: [1] } }, "http.certificates"],
  ["a redirect for http", { ...web, http: { redirect_http: true } }, "http.redirect_http"],
  ["an unknown certificate", { protocol: "https", http: { certificates: [7] } }, "http.certificates"],
  ["a port beyond 65535", { ...web, listen_port: 65_536 }, "listen_port"],
  ["a short interval", { ...web, health_check: { interval: 2 } }, "health_check.interval"],
  ["many retries", { ...web, health_check: { retries: 6 } }, "health_check.retries"],
  ["a path with a space", { ...web, health_check: { http: { path: "/a b" } } }, "health_check.http.path"],
  ["a short idle timeout", { ...web, http: { timeout_idle: 29 } }, "http.timeout_idle"],
  [
    "a status code of letters",
    { ...web, health_check: { http: { status_codes: ["ok"] } } },
    "health_check.http.status_codes.0",
  ],
])("%s is refused at %s", async (_, service, field) => {
  const cloud = await testCloud();
  const reply = await act(cloud, await make(cloud), "add_service", service);
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
});

test("a source port is used once; a redirect takes port 80 as well", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, { services: [web] });
  const https = { protocol: "https", http: { redirect_http: true } };
  expect(code(await act(cloud, id, "add_service", web))).toEqual([412, "source_port_already_used"]);
  expect(code(await act(cloud, id, "add_service", https))).toEqual([412, "source_port_already_used"]);
  await act(cloud, id, "add_service", { protocol: "https" });
  expect(code(await act(cloud, id, "update_service", { listen_port: 443, ...https }))).toEqual([
    422,
    "source_port_already_used",
  ]);
});

test("health is what the driver sees for each target and service, and unknown where it does not answer", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const id = await make(cloud, {
    services: [web, { protocol: "tcp", listen_port: 22, destination_port: 22 }],
    targets: [onServer(server)],
  });
  cloud.driver.health.set(`${id} 10.87.12.10 80`, "healthy");
  cloud.driver.health.set(`${id} 10.87.12.10 22`, "unhealthy");
  expect(await read(cloud, id, "targets.0.health_status")).toEqual([
    { listen_port: 80, status: "healthy" },
    { listen_port: 22, status: "unhealthy" },
  ]);
  cloud.driver.failNext("balancerHealth", "no haproxy");
  expect(await read(cloud, id, "targets.0.health_status.0.status")).toBe("unknown");
});

test.each([
  ["2??", "2??"],
  ["2*", "2??"],
  ["*", "???"],
  ["*4", "??4"],
  ["204", "204"],
])("the status pattern %s is %s to the driver", (given, expected) => {
  expect(threeDigits(given)).toBe(expected);
});
