import { expect, test } from "vitest";
import { publicKeys, testCloud } from "./client.ts";

const [ada, second] = publicKeys;

test("a key comes back byte for byte, with its MD5 fingerprint and empty labels", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/ssh_keys", { name: "ada", public_key: `${ada}\n` });
  expect(reply.status).toBe(201);
  expect(reply.at("ssh_key")).toMatchObject({ name: "ada", public_key: `${ada}\n`, labels: {} });
  expect(reply.at("ssh_key.fingerprint")).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  expect((await cloud.get(`/ssh_keys/${reply.number("ssh_key.id")}`)).body).toEqual(reply.body);
});

test("the same key under another name, or another key under the same name, is 409", async () => {
  const cloud = await testCloud();
  await cloud.post("/ssh_keys", { name: "ada", public_key: ada });
  const sameKey = await cloud.post("/ssh_keys", {
    name: "other",
    public_key: `${ada.split(" ").slice(0, 2).join(" ")} elsewhere`,
  });
  expect(sameKey.status).toBe(409);
  expect(sameKey.at("error")).toMatchObject({ code: "uniqueness_error", message: "SSH key not unique" });
  const sameName = await cloud.post("/ssh_keys", { name: "ada", public_key: second });
  expect(sameName.at("error")).toMatchObject({
    code: "uniqueness_error",
    details: { fields: [{ name: "name" }] },
  });
});

test.each(["nonsense", "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----", ""])(
  "'%s' is no public key",
  async (text) => {
    const cloud = await testCloud();
    const reply = await cloud.post("/ssh_keys", { name: "k", public_key: text });
    expect(reply.status).toBe(422);
    expect(reply.at("error.details.fields.0.name")).toBe("public_key");
  },
);

test("keys are found by name, fingerprint and labels", async () => {
  const cloud = await testCloud();
  const one = await cloud.post("/ssh_keys", { name: "one", public_key: ada, labels: { team: "a" } });
  await cloud.post("/ssh_keys", { name: "two", public_key: second, labels: { team: "b" } });
  const names = async (query: string) =>
    ((await cloud.get(`/ssh_keys?${query}`)).at("ssh_keys") as { name: string }[]).map(({ name }) => name);
  expect(await names("name=two")).toEqual(["two"]);
  expect(await names(`fingerprint=${one.at("ssh_key.fingerprint")}`)).toEqual(["one"]);
  expect(await names("label_selector=team!%3Da")).toEqual(["two"]);
  expect(await names("sort=name:desc")).toEqual(["two", "one"]);
  expect(await names(`name=${one.number("ssh_key.id")}`)).toEqual([]);
});

test("an update replaces the labels, keeps what was not named, and cannot take another's name", async () => {
  const cloud = await testCloud();
  const id = (
    await cloud.post("/ssh_keys", { name: "one", public_key: ada, labels: { a: "1", b: "2" } })
  ).number("ssh_key.id");
  await cloud.post("/ssh_keys", { name: "two", public_key: second });
  const labelled = await cloud.put(`/ssh_keys/${id}`, { labels: { c: "3" } });
  expect(labelled.at("ssh_key")).toMatchObject({ name: "one", labels: { c: "3" } });
  expect((await cloud.put(`/ssh_keys/${id}`, { name: "uno" })).at("ssh_key")).toMatchObject({
    name: "uno",
    labels: { c: "3" },
  });
  expect((await cloud.put(`/ssh_keys/${id}`, { name: "two" })).status).toBe(409);
  expect((await cloud.put(`/ssh_keys/${id}`, { labels: { "-": "x" } })).status).toBe(422);
});

test("a deleted key is gone, and its fingerprint is free again", async () => {
  const cloud = await testCloud();
  const id = (await cloud.post("/ssh_keys", { name: "k", public_key: ada })).number("ssh_key.id");
  expect((await cloud.delete(`/ssh_keys/${id}`)).status).toBe(204);
  const gone = await cloud.get(`/ssh_keys/${id}`);
  expect(gone.status).toBe(404);
  expect(gone.at("error")).toEqual({
    code: "not_found",
    message: `SSH key with ID '${id}' not found`,
    details: null,
  });
  expect((await cloud.delete(`/ssh_keys/${id}`)).status).toBe(404);
  expect((await cloud.post("/ssh_keys", { name: "k", public_key: ada })).status).toBe(201);
});
