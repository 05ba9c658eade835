import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { reportOf } from "../../../cli/report/model.ts";
import { reportPage } from "../../../cli/report/page.ts";
import { RunRecord, readRecord } from "../../../deployer/runs/record.ts";
import { saltedDigest } from "../../../deployer/secrets/credentials.ts";
import { secrets, tellChanges } from "../../../provider/resources/secrets.ts";
import { EngineDouble, secret, UNKNOWN, type Wire } from "./client.ts";
import { Programs } from "./programs.ts";

const TYPE = "berth:host:Secrets";
const start = () =>
  EngineDouble.start({ name: "berth", version: "0.1.0", resources: { [TYPE]: secrets } }, TYPE);

const url = "postgres://ada:hunter2@db/site";
const key = "two\nlines of a key";
const credentials: Wire = {
  site: { DATABASE_URL: secret(url), "tls.key": secret(key) },
  "my-worker": { KEY: secret(key) },
};
const inputs: Wire = {
  stack: "dev",
  host: "web1",
  address: "127.0.0.1",
  port: 22,
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ web1",
  loginKey: secret("-----BEGIN OPENSSH PRIVATE KEY-----\nlogin\n-----END OPENSSH PRIVATE KEY-----\n"),
  machineId: "4711",
  installationId: "i1",
  credentials,
};
const delivered = { site: ["DATABASE_URL", "tls.key"], "my-worker": ["KEY"] };
const outputs: Wire = { ...inputs, delivered, revision: "r1" };
const state = { id: "dev/web1", inputs, outputs };

const programs = new Programs();

/** A host that keeps what it was asked and answers as `script` says. */
function host(script: string): void {
  const { folder } = programs;
  programs.playSsh(`
    printf '%s\\n' "$*" >>${folder}/arguments
    env >>${folder}/environment
    cat >${folder}/input
    ${script}`);
}
/** A host on which these are in place, with this content. */
function hostHas(found: [service: string, name: string, content: string][]): void {
  const script = found.map(
    ([service, name, content]) =>
      `digest=$({ printf %s "$salt"; printf %s '${content}'; } | sha256sum | cut -d' ' -f1)
       printf '%s{"service":"${service}","name":"${name}","digest":"%s"}' "$comma" "$digest"; comma=,`,
  );
  host(`salt=$(sed -n 's/^salt=//p' ${programs.folder}/input); comma=
    printf '{"credentials":['; ${script.join("\n")}; echo ']}'`);
}
const file = (name: string) => readFileSync(join(programs.folder, name), "utf8");
const lines = ({ log }: EngineDouble) => log.filter((one) => !one.ephemeral).map((one) => one.message);

test("a secret that the provider was told gets into no record and no report, whatever a service has printed", async () => {
  await using engine = await start();
  await engine.diff("web1", state, {
    ...inputs,
    credentials: { site: { DATABASE_URL: secret("a-newer-one") } },
  });
  const file = join(programs.folder, "run.jsonl");
  const journal = `connecting to ${url} with a-newer-one\n${key}`;
  new RunRecord(file).add({
    ...{ event: "judged", host: "web1", healthy: false, because: `it said ${url}` },
    units: [{ unit: "site.service", journal }],
  });
  const [event] = await readRecord(file);
  expect(event).toMatchObject({
    because: "it said [secret]",
    units: [{ unit: "site.service", journal: "connecting to [secret] with [secret]\n[secret]" }],
  });
  const report = reportOf([
    ...(await readRecord(file)),
    { at: new Date().toISOString(), event: "begin", host: "web1", wanted: "/nix/store/x" },
  ]);
  const page = report ? reportPage(report) : "";
  expect(page).toContain("connecting to [secret]");
  for (const part of ["hunter2", "a-newer-one", "lines of a key"]) expect(page).not.toContain(part);
});

describe("the difference of a host's secrets", () => {
  const site = (changes: Wire): Wire => ({
    credentials: { ...credentials, site: { ...(credentials.site as Wire), ...changes } },
  });

  test.each<[string, Wire, Wire, Record<string, string>]>([
    ["nothing changed: none", {}, {}, {}],
    ["another way to the same host: none", { address: "203.0.113.8", port: 2222, hostKey: "new" }, {}, {}],
    ["another login key or stack name: none", { loginKey: secret("other"), stack: "prod" }, {}, {}],
    [
      "another content: by name, an update",
      site({ DATABASE_URL: secret("new") }),
      {},
      { "credentials.site.DATABASE_URL": "update" },
    ],
    [
      "a name with a dot",
      site({ "tls.key": secret("new") }),
      {},
      { 'credentials.site["tls.key"]': "update" },
    ],
    ["one more", site({ EXTRA: secret("new") }), {}, { "credentials.site.EXTRA": "add" }],
    [
      "one less",
      { credentials: { "my-worker": { KEY: secret(key) }, site: { DATABASE_URL: secret(url) } } },
      {},
      { 'credentials.site["tls.key"]': "delete" },
    ],
    [
      "one that is not known yet",
      site({ DATABASE_URL: UNKNOWN }),
      {},
      { "credentials.site.DATABASE_URL": "update" },
    ],
    ["another machine", { machineId: "4712" }, {}, { machineId: "update" }],
    ["the machine installed anew", { installationId: UNKNOWN }, {}, { installationId: "update" }],
    [
      "one that was seen to be gone from the host: an addition",
      {},
      { delivered: { ...delivered, site: ["tls.key"] } },
      { "credentials.site.DATABASE_URL": "add" },
    ],
    [
      "all of them gone, as from a host that was rebuilt",
      {},
      { delivered: { site: [], "my-worker": [] } },
      {
        "credentials.site.DATABASE_URL": "add",
        'credentials.site["tls.key"]': "add",
        'credentials["my-worker"].KEY': "add",
      },
    ],
    ["another host: a replacement", { host: "web2" }, {}, { host: "update-replace" }],
  ])("with %s", async (_, news, seen, expected) => {
    await using engine = await start();
    const olds = { ...state, outputs: { ...outputs, ...seen } };
    const diff = await engine.diff("web1", olds, { ...inputs, ...news });
    expect(diff.detailed).toEqual(expected);
    expect(diff.changes).toBe(Object.keys(expected).length > 0);
  });

  test.each<[string, Record<string, Record<string, string>>, string | undefined]>([
    ["nothing", { site: { A: "1", B: "2" } }, undefined],
    [
      "another content and one more",
      { site: { A: "9", B: "2", C: "3" } },
      "secrets change: site.A, site.C; restarts site",
    ],
    ["another service", { site: { A: "1", B: "2" }, b: { K: "1" } }, "secrets change: b.K; restarts b"],
    ["a service's last ones going", {}, "secrets change: site.A, site.B"],
  ])("is told in words: %s", (_, news, line) => {
    expect(tellChanges({ site: { A: "1", B: "2" } }, news)).toBe(line);
  });
});

describe("a preview of a host's secrets", () => {
  test("asks no host, tells names, and does not know the revision", async () => {
    host("exit 1");
    await using engine = await start();
    const planned = await engine.update(
      "web1",
      state,
      { ...inputs, credentials: { ...credentials, "my-worker": { KEY: secret("new") } } },
      { preview: true },
    );
    expect(planned.revision).toBe(UNKNOWN);
    expect(planned.delivered).toEqual(delivered);
    expect(lines(engine)).toEqual(["web1: secrets change: my-worker.KEY; restarts my-worker"]);
    expect(existsSync(join(programs.folder, "arguments"))).toBe(false);
  });

  test("of a host that is not there yet keeps every value secret", async () => {
    await using engine = await start();
    const planned = await engine.create(
      "web1",
      { ...inputs, address: UNKNOWN, machineId: UNKNOWN, installationId: UNKNOWN },
      { preview: true },
    );
    expect(planned.outputs.credentials).toEqual(credentials);
    expect(JSON.stringify(engine.log)).not.toContain("hunter2");
  });
});

describe("delivering a host's secrets", () => {
  test("sends them on stdin alone, tells what was written, and gives another revision each time", async () => {
    host(`echo '{"ok":true,"written":["site.DATABASE_URL"]}'`);
    await using engine = await start();
    const made = await engine.create("web1", inputs);
    expect(made).toMatchObject({ id: "dev/web1", outputs: { delivered, credentials } });
    const sent = [url, key, key].map((value) => Buffer.from(value).toString("base64"));
    expect(file("input")).toBe(
      `credential=my-worker KEY\ncredential=site DATABASE_URL\ncredential=site tls.key\n---\n${[sent[2], sent[0], sent[1]].join("\n")}\n`,
    );
    for (const value of [url, "hunter2", ...sent]) {
      expect(file("arguments")).not.toContain(value);
      expect(file("environment")).not.toContain(value);
      expect(JSON.stringify(engine.log)).not.toContain(value);
    }
    expect(lines(engine)).toEqual(["web1 (127.0.0.1): delivered site.DATABASE_URL"]);
    const updated = await engine.update("web1", state, inputs);
    expect(updated.revision).toMatch(/^[0-9a-f]{16}$/);
    expect(updated.revision).not.toBe(made.outputs.revision);
    expect(JSON.stringify([made, updated]).replaceAll(JSON.stringify(secret(url)), "")).not.toContain(url);
  });

  test.each([
    ["that the host refuses", `echo '{"ok":false,"because":"systemd-creds could not encrypt site.KEY: no"}'`],
    ["that breaks off", "exit 255"],
    ["whose answer is no answer", "echo Welcome"],
  ])("%s is an error without a value in it, and nothing is stored", async (_, script) => {
    host(script);
    await using engine = await start();
    const failed = await engine.create("web1", inputs).catch((error: Error) => error);
    if (!(failed instanceof Error)) throw new Error("it was taken for delivered");
    expect(failed.message).toMatch(/^web1 \(127\.0\.0\.1\): .* Next: /s);
    expect(failed.message).not.toContain("hunter2");
    expect("stored" in failed && failed.stored).toBeFalsy();
  });
});

describe("a refresh of a host's secrets", () => {
  const all: [string, string, string][] = [
    ["site", "DATABASE_URL", url],
    ["site", "tls.key", key],
    ["my-worker", "KEY", key],
  ];

  test("says nothing when all are in place", async () => {
    hostHas([...all, ["left", "OVER", "x"]]);
    await using engine = await start();
    expect((await engine.read("web1", "dev/web1", state)).outputs.delivered).toEqual(delivered);
    expect(lines(engine)).toEqual([]);
  });

  test("tells what is gone and what has another content, and the next difference brings them back", async () => {
    hostHas([
      ["site", "DATABASE_URL", "by hand"],
      ["my-worker", "KEY", key],
    ]);
    await using engine = await start();
    const seen = await engine.read("web1", "dev/web1", state);
    expect(seen.outputs.delivered).toEqual({ site: [], "my-worker": ["KEY"] });
    expect(lines(engine)).toEqual([
      "web1 (127.0.0.1): not in place as delivered: site.DATABASE_URL, site.tls.key; the next pulumi up delivers again",
    ]);
    expect((await engine.diff("web1", seen, inputs)).detailed).toEqual({
      "credentials.site.DATABASE_URL": "add",
      'credentials.site["tls.key"]': "add",
    });
  });

  test("of a host that does not answer keeps the state, with a warning", async () => {
    host("exit 255");
    await using engine = await start();
    expect(await engine.read("web1", "dev/web1", state)).toEqual(state);
    expect(lines(engine)).toEqual([
      expect.stringMatching(/^web1: its credentials could not be read, their state is kept: web1 \(127/),
    ]);
  });

  test("asks with a salt of its own each time", async () => {
    hostHas(all);
    await using engine = await start();
    await engine.read("web1", "dev/web1", state);
    const first = file("input");
    await engine.read("web1", "dev/web1", state);
    expect(file("input")).not.toBe(first);
    expect(saltedDigest("a", "b")).not.toBe(saltedDigest("c", "b"));
  });
});

describe("the end of a host's secrets", () => {
  test("removes them all from the host", async () => {
    host(`echo '{"ok":true,"removed":["site.DATABASE_URL"]}'`);
    await using engine = await start();
    await engine.delete("web1", "dev/web1", state);
    expect(file("input")).toBe("---\n");
    expect(lines(engine)).toEqual(["web1 (127.0.0.1): removed site.DATABASE_URL"]);
  });

  test("is an error when the host cannot be asked: they would stay on it unseen", async () => {
    host("exit 255");
    await using engine = await start();
    await expect(engine.delete("web1", "dev/web1", state)).rejects.toThrow(
      /^web1 \(127\.0\.0\.1\): .* Its secrets stay on it .* pulumi state delete 'urn:/s,
    );
  });
});
