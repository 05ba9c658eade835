import { expect, test } from "vitest";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { RateLimit } from "../../../lab/cloud/rate-limit.ts";
import { finished, orderServer, publicKeys, testCloud, token } from "./client.ts";

const bearer = { authorization: `Bearer ${token}` };

test.each([
  ["no token", {}, "token is required"],
  ["a wrong token", { authorization: `Bearer ${"x".repeat(64)}` }, "the token you have provided is invalid"],
  ["a short token", { authorization: "Bearer x" }, "the token you have provided is invalid"],
  ["another scheme", { authorization: `Basic ${token}` }, "the token you have provided is invalid"],
])("%s is 401 with null details", async (_, headers, message) => {
  const cloud = await testCloud();
  const reply = await cloud.raw("/v1/servers", { headers });
  expect(reply.status).toBe(401);
  expect(reply.body).toEqual({ error: { code: "unauthorized", message, details: null } });
});

test("an unknown route is 404 even without a token", async () => {
  const cloud = await testCloud();
  const reply = await cloud.raw("/v1/nonsense");
  expect(reply.status).toBe(404);
  expect(reply.body).toEqual({ error: { code: "not_found", message: "api route not found", details: null } });
});

test("a known path with another method is 405", async () => {
  const cloud = await testCloud();
  const reply = await cloud.raw("/v1/servers", { method: "PATCH", headers: bearer });
  expect(reply.status).toBe(405);
  expect(reply.at("error.code")).toBe("method_not_allowed");
  expect(reply.headers.get("allow")).toBe("GET, POST");
});

test("a body that is not JSON is 400 json_error", async () => {
  const cloud = await testCloud();
  const reply = await cloud.raw("/v1/ssh_keys", { method: "POST", headers: bearer, body: "{" });
  expect(reply.status).toBe(400);
  expect(reply.at("error")).toMatchObject({ code: "json_error", details: null });
});

test("a wrong field is 422 with the field's name and messages in details", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/ssh_keys", { name: 7 });
  expect(reply.status).toBe(422);
  expect(reply.at("error.code")).toBe("invalid_input");
  expect(reply.at("error.details.fields")).toEqual([
    { name: "name", messages: ["must be of type string"] },
    { name: "public_key", messages: ["is required"] },
  ]);
});

test("every answer has a correlation id, the rate limit and JSON", async () => {
  const cloud = await testCloud();
  for (const reply of [
    await cloud.get("/locations"),
    await cloud.get("/servers/1"),
    await cloud.raw("/v1/servers"),
  ]) {
    expect(reply.headers.get("x-correlation-id")).toMatch(/^[0-9a-f]{16}$/);
    expect(reply.headers.get("ratelimit-limit")).toBe("3600");
    expect(Number(reply.headers.get("ratelimit-remaining"))).toBeGreaterThan(3590);
    expect(Number(reply.headers.get("ratelimit-reset"))).toBeGreaterThan(1_700_000_000);
    expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
  }
});

test("requests beyond the rate limit are 429 until the bucket refills", async () => {
  let now = 0;
  const cloud = await testCloud({ rateLimit: new RateLimit(2, 1, () => now) });
  expect((await cloud.get("/locations")).status).toBe(200);
  expect((await cloud.get("/locations")).headers.get("ratelimit-remaining")).toBe("0");
  const refused = await cloud.get("/locations");
  expect(refused.status).toBe(429);
  expect(refused.at("error.code")).toBe("rate_limit_exceeded");
  now += 1000;
  expect((await cloud.get("/locations")).status).toBe(200);
});

test("a failure nobody foresaw is 500 without its details, and is logged", async () => {
  const cloud = await testCloud();
  cloud.cloud.store.timestamp = () => {
    throw new TypeError("a bug");
  };
  const reply = await cloud.post("/ssh_keys", { name: "k", public_key: publicKeys[0] });
  expect(reply.status).toBe(500);
  expect(reply.body).toEqual({
    error: { code: "server_error", message: "internal server error", details: null },
  });
  expect(cloud.lines.join()).toContain("a bug");
});

test.each([
  ["rate_limit_exceeded", 429],
  ["locked", 423],
  ["resource_unavailable", 412],
  ["uniqueness_error", 409],
  ["conflict", 409],
  ["invalid_input", 422],
  ["unavailable", 503],
])("the fault %s hits the next matching request with %i, then is gone", async (code, status) => {
  const cloud = await testCloud();
  expect((await cloud.post("/lab/faults", { path: "/ssh_keys", method: "POST", code })).status).toBe(201);
  expect((await cloud.get("/ssh_keys")).status).toBe(200);
  const hit = await cloud.post("/ssh_keys", { name: "k", public_key: publicKeys[0] });
  expect(hit.status).toBe(status);
  expect(hit.at("error.code")).toBe(code);
  expect(hit.at("error")).toHaveProperty("details");
  expect((await cloud.post("/ssh_keys", { name: "k", public_key: publicKeys[0] })).status).toBe(201);
});

test.each([
  "json_error",
  "unauthorized",
  "token_readonly",
  "forbidden",
  "maintenance",
  "resource_limit_exceeded",
  "not_found",
  "method_not_allowed",
  "uniqueness_error",
  "conflict",
  "deprecated_api_endpoint",
  "resource_unavailable",
  "placement_error",
  "invalid_input",
  "service_error",
  "unsupported_error",
  "resource_in_use",
  "locked",
  "protected",
  "rate_limit_exceeded",
  "server_error",
  "bad_gateway",
  "unavailable",
  "timeout",
])("the error %s can be had on any route", async (code) => {
  const cloud = await testCloud();
  expect((await cloud.post("/lab/faults", { path: "/locations", code })).status).toBe(201);
  const hit = await cloud.get("/locations");
  expect(hit.status).toBeGreaterThanOrEqual(400);
  expect(hit.at("error.code")).toBe(code);
});

test("a fault answers with any status: as a page, or with a code of its own", async () => {
  const cloud = await testCloud();
  await cloud.post("/lab/faults", { path: "/locations", status: 418, times: 2 });
  for (let time = 1; time <= 2; time++) {
    const hit = await cloud.get("/locations");
    expect([hit.status, hit.headers.get("content-type")]).toEqual([418, "text/html; charset=UTF-8"]);
  }
  await cloud.post("/lab/faults", {
    path: "/locations",
    status: 503,
    code: "robot_unavailable",
    message: "no",
  });
  const coded = await cloud.get("/locations");
  expect([coded.status, coded.at("error")]).toEqual([
    503,
    { code: "robot_unavailable", message: "no", details: null },
  ]);
  expect((await cloud.get("/locations")).status).toBe(200);
});

test("a fault lets as many pass as it is told, then hits", async () => {
  const cloud = await testCloud();
  await cloud.post("/lab/faults", { path: "/locations", code: "conflict", skip: 2 });
  const seen = [];
  for (let time = 1; time <= 4; time++) seen.push((await cloud.get("/locations")).status);
  expect(seen).toEqual([200, 200, 409, 200]);
});

test("a fault after the deed loses the answer, not the deed", async () => {
  const cloud = await testCloud();
  await cloud.post("/lab/faults", {
    path: "/ssh_keys",
    method: "POST",
    when: "after",
    instead: "bad_gateway",
  });
  const lost = await cloud.post("/ssh_keys", { name: "k", public_key: publicKeys[0] });
  expect(lost.status).toBe(502);
  expect((await cloud.get("/ssh_keys")).at("ssh_keys.0.name")).toBe("k");
});

test("an action fault after the work fails an action whose work is done", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await cloud.post("/lab/faults", { command: "stop_server", when: "after", code: "timeout" });
  const reply = await cloud.post(`/servers/${id}/actions/poweroff`);
  expect(await finished(cloud, reply)).toMatchObject({ status: "error", error: { code: "timeout" } });
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("off");
});

test("an action fault without a code only makes the action slow", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await cloud.post("/lab/faults", { command: "stop_server", delay: 120 });
  const reply = await cloud.post(`/servers/${id}/actions/poweroff`);
  await new Promise((resolve) => setTimeout(resolve, 40));
  const path = `/actions/${reply.number("action.id")}`;
  expect((await cloud.get(path)).at("action")).toMatchObject({ status: "running", finished: null });
  expect(await finished(cloud, reply)).toMatchObject({ status: "success" });
});

test.each([
  ["create_server", "off"],
  ["delete_server", "running"],
])("a %s that fails before it began leaves a server that is %s and not locked", async (command, status) => {
  const cloud = await testCloud();
  await cloud.post("/lab/faults", { command, code: "server_error" });
  const id = await orderServer(cloud);
  if (command === "delete_server") await cloud.delete(`/servers/${id}`);
  await cloud.cloud.actions.settled();
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({ status, locked: false });
});

test("a token that may only read reads everything and changes nothing", async () => {
  const readonlyToken = "f".repeat(64);
  const cloud = await testCloud({ readonlyToken });
  const headers = { authorization: `Bearer ${readonlyToken}` };
  expect((await cloud.raw("/v1/servers", { headers })).status).toBe(200);
  for (const [path, method] of [
    ["/v1/ssh_keys", "POST"],
    ["/v1/servers/1", "DELETE"],
    ["/v1/servers/1", "PUT"],
    ["/lab/faults", "POST"],
  ] as const) {
    const refused = await cloud.raw(path, { method, headers, body: method === "DELETE" ? null : "{}" });
    expect(refused.body).toEqual({
      error: {
        code: "token_readonly",
        message: "token is only allowed to perform GET requests",
        details: null,
      },
    });
    expect(refused.status).toBe(401);
  }
});

test("a gateway fault is a 502 without JSON, as often as ordered", async () => {
  const cloud = await testCloud();
  await cloud.post("/lab/faults", { path: "/servers.*", instead: "bad_gateway", times: 2 });
  expect((await cloud.get("/servers")).status).toBe(502);
  const second = await cloud.get("/servers/1");
  expect(second.headers.get("content-type")).toMatch(/^text\/html/);
  expect((await cloud.get("/servers")).status).toBe(200);
});

test("an action fault lets the request pass and fails its action", async () => {
  const driver = new MemoryDriver();
  const cloud = await testCloud({ driver });
  await cloud.post("/lab/faults", {
    command: "create_server",
    code: "server_error",
    message: "no such luck",
  });
  const reply = await cloud.post("/servers", { name: "web", server_type: "cx23", image: "debian-13" });
  expect(reply.status).toBe(201);
  await cloud.cloud.actions.settled();
  const created = await cloud.get(`/actions/${reply.number("action.id")}`);
  expect(created.at("action")).toMatchObject({
    status: "error",
    error: { code: "server_error", message: "no such luck" },
  });
  const started = await cloud.get(`/actions/${reply.number("next_actions.0.id")}`);
  expect(started.at("action")).toMatchObject({
    status: "error",
    error: { message: "create_server failed: no such luck" },
  });
  expect(driver.calls).not.toContain(`create ${reply.number("server.id")}`);
});

test("a fault that could never hit is refused", async () => {
  const cloud = await testCloud();
  expect((await cloud.post("/lab/faults", { code: "locked" })).status).toBe(422);
  expect((await cloud.post("/lab/faults", { path: "/x", code: "nonsense" })).status).toBe(422);
  expect((await cloud.post("/lab/faults", { path: "(" })).status).toBe(422);
  expect((await cloud.post("/lab/faults", { path: "/x", command: "stop_server" })).status).toBe(422);
  expect((await cloud.post("/lab/faults", { command: "stop_server", status: 500 })).status).toBe(422);
});

test("faults can be listed and cleared, with the token only", async () => {
  const cloud = await testCloud();
  await cloud.post("/lab/faults", { path: "/servers", code: "locked" });
  expect((await cloud.get("/lab/faults")).at("faults.0.code")).toBe("locked");
  expect((await cloud.delete("/lab/faults")).status).toBe(204);
  expect((await cloud.get("/servers")).status).toBe(200);
  expect((await cloud.raw("/lab/faults")).status).toBe(401);
});
