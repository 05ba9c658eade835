import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shortPath } from "../../cli/summary-table.ts";
import { STACK } from "../../lab/environment.ts";
import type { Lab } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { noBrowser, Pages } from "../browser.ts";
import { berth as command } from "./berth.ts";
import { type OneHost, oneHost } from "./one-host.ts";

/** What the command tells of a host: as it should be, with a failed unit, and stopped. */

const key = (name: string) =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${name.padEnd(43, "A")} ${name}@example.org`;
const secrets = { greeting: "hello from the test", cert: "a certificate", key: "a key of the keeper" };

let host: OneHost;
const pulumi = (lab: Lab, args: string[], input = "") =>
  execa("pulumi", args, { cwd: checkout, env: lab.env, input, stripFinalNewline: false });
const set = (lab: Lab, path: string, value: string) =>
  pulumi(lab, ["config", "set", "--path", `berth:${path}`, value]);

beforeAll(async () => {
  host = await oneHost(join(checkout, ".lab-e2e-command"), async (lab) => {
    await set(lab, "hosts.web1.system", "web-secrets");
    await set(lab, "hosts.web1.secrets.site.GREETING", "greeting");
    await set(lab, "hosts.web1.secrets.keeper.KEEPER_CERT", "cert");
    await set(lab, "hosts.web1.secrets.keeper.KEEPER_KEY", "key");
    await set(lab, "access.people.ada[0]", key("ada"));
    for (const [name, value] of Object.entries(secrets))
      await pulumi(lab, ["config", "set", "--secret", "--path", `berth:secrets.${name}`], `${value}\n`);
  });
});
afterAll(() => host?.down());

const berth = (...args: string[]) => command(host.lab.env, ...args);
async function json(...args: string[]) {
  const { exitCode, stdout } = await berth(...args, "--json");
  return { exitCode, ...JSON.parse(stdout) };
}

describe("a host that is as it should be", () => {
  test("is well", async () => {
    const run = await berth("status");
    expect(run.output).toMatch(/^host +release .*\nweb1 .* ok +no +no +0 .*\n\nAll hosts are well: 1\.$/);
    expect(run.exitCode).toBe(0);
    expect(await json("status", "web1")).toMatchObject({
      exitCode: 0,
      verb: "status",
      stack: STACK,
      well: true,
      items: [{ host: "web1", release: host.good, reached: true, wrong: [], held: null, failedUnits: [] }],
    });
  });

  test("costs what the program says, and as much as what runs", async () => {
    const { exitCode, items, ...cost } = await json("cost");
    expect(exitCode).toBe(0);
    expect(cost.monthly).toBe(host.outputs.pricePerMonth);
    expect(cost.runningMonthly).toBe(cost.monthly);
    expect(items.map(({ what }: { what: string }) => what)).toEqual(["server cx23", "IPv4"]);
    expect((await berth("cost")).stdout).toMatch(/\nTotal: .*, the same as what runs now\. Net prices of /);
  });

  test("is refused by no other name", async () => {
    const run = await berth("status", "web9");
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("stack lab has no such host. Next: name one of these: web1.");
  });
});

describe("logs", () => {
  test("of an app are those of its instances, the last lines of them", async () => {
    const run = await berth("logs", "web1", "site", "-n", "3");
    expect(run.exitCode, run.output).toBe(0);
    expect(run.stdout.split("\n")).toHaveLength(3);
  });

  test("of what there is not name what there is", async () => {
    const run = await berth("logs", "web1", "shop");
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("there is no app shop; there are: site");
    expect((await berth("logs", "web1", "--unit", "nothing")).output).toContain(
      "there is no unit nothing.service",
    );
  });

  test("are followed until Ctrl-C, which leaves nothing behind on the host", async () => {
    const args = ["logs", "-f", "web1", "--unit", "berth-test-said", "-s", STACK];
    await host.on("systemd-run --quiet --wait --unit=berth-test-said echo first-word");
    const follower = spawn(join(checkout, "bin/berth"), args, {
      cwd: checkout,
      env: { ...process.env, ...host.lab.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    follower.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise((resolve) => follower.once("close", resolve));
    await expect.poll(() => said).toContain("first-word");
    await host.on("systemd-run --quiet --wait --unit=berth-test-said echo second-word");
    await expect.poll(() => said).toContain("second-word");
    follower.kill("SIGINT");
    expect(await ended).toBe(0);
    await expect.poll(() => host.on("pgrep -fc '[j]ournalctl.*--follow' || true")).toBe("0");
  });
});

describe("people", () => {
  test("are those of the installation", async () => {
    const { exitCode, items } = await json("people");
    expect(items).toMatchObject([
      { user: "root", from: "the stack itself", there: true },
      { user: "root", who: "ada", from: "access.people", there: true },
    ]);
    expect(exitCode).toBe(0);
  });

  test("that have left and come are told, and brought there, with the stack's own key left alone", async () => {
    await host.on(`echo '${key("eve")}' >>/root/.ssh/authorized_keys`);
    await pulumi(host.lab, ["config", "rm", "--path", "berth:access.people.ada"]);
    await set(host.lab, "access.people.bob[0]", key("bob"));
    const before = await berth("people");
    expect(before.exitCode).toBe(1);
    expect(before.stdout).toMatch(
      /ada@example\.org .* the installation, and no longer in access\.people +yes/,
    );
    expect(before.stdout).toMatch(/bob .* access\.people +missing/);
    const synced = await berth("people", "--sync");
    expect(synced.output).toMatch(/web1: added SHA256:\S+ bob@example\.org\n.*web1: removed SHA256:/);
    const keys = await host.on("cat /root/.ssh/authorized_keys; ls /root/.ssh");
    expect(keys).toContain(key("bob"));
    expect(keys).toContain(key("eve"));
    expect(keys).not.toContain("ada");
    expect(keys).not.toContain("berth-before");
    // Eve is nobody's whom the stack knows: that is for a person.
    expect(synced.exitCode).toBe(1);
    await host.on("sed -i /eve/d /root/.ssh/authorized_keys");
    const again = await berth("people", "--sync");
    expect(again.output).toContain("web1: nothing to do");
    expect(again.exitCode).toBe(0);
  });
});

test("secrets are told by name: the same as on the host, and changed once they are set anew", async () => {
  const before = await berth("secrets");
  expect(before.exitCode, before.output).toBe(0);
  expect(before.stdout.match(/the same/g)).toHaveLength(3);
  const changed = await execa(join(checkout, "bin/berth"), ["secrets", "set", "key", "--stdin"], {
    cwd: checkout,
    env: host.lab.env,
    input: "another key of the keeper\n",
    all: true,
  });
  expect(changed.all).toContain("the next pulumi up brings it to web1: keeper, KEEPER_KEY");
  const { exitCode, items } = await json("secrets");
  expect(exitCode).toBe(1);
  expect(items).toContainEqual({ secret: "key", where: "web1: keeper, KEEPER_KEY", state: "changed" });
  const all = `${changed.all}${before.output}${JSON.stringify(items)}`;
  for (const value of [...Object.values(secrets), "another key"]) expect(all).not.toContain(value);
});

test("the page shows the host and its releases, and an update as it goes on, until Ctrl-C", async ({
  skip,
}) => {
  skip(noBrowser !== undefined, noBrowser);
  // Other labs' updates of a stack of this name are recorded in the checkout.
  const cwd = join(host.lab.places.folder, "here");
  await mkdir(cwd);
  const options = { cwd, env: { ...process.env, ...host.lab.env } };
  const file = join(checkout, "bin/berth");
  const served = spawn(file, ["-s", STACK, "status", "--web", "--every", "5"], {
    ...options,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => served.once("close", resolve));
  const pages = await Pages.start();
  try {
    let said = "";
    served.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await expect.poll(() => said).toMatch(/^http:.*\n$/);
    const { page, picture, troubles } = await pages.open(said.trim(), { scheme: "light", width: "wide" });
    const text = (selector: string) => () => page.locator(selector).innerText();
    await expect.poll(text("#count")).toContain("all hosts are well: 1");
    await expect.poll(text("#host-web1")).toContain(shortPath(host.good));
    await page.locator("#host-web1-releases summary").click();
    await expect.poll(text("#host-web1-releases")).toMatch(/runs\s+· boots next/);
    await expect.poll(text("#update")).toContain("There is no record of an update");
    // What the test before has changed is delivered.
    const update = execa(file, ["-s", STACK, "up", "--yes", "--skip-preview"], options);
    await expect.poll(text("#update")).toContain("The update that is running");
    await expect.poll(text("#update")).toMatch(/web1 … (working|on trial)/);
    await update;
    await expect.poll(text("#update")).toContain("The last update");
    await page.locator("#work-web1-steps summary").click();
    await expect.poll(text("#work-web1-steps")).toContain("restarting what uses changed secrets");
    await expect.poll(text("#update")).toContain("Its report");
    await expect.poll(text("#count")).toContain("all hosts are well: 1");
    await picture("live-lab");
    expect(troubles).toEqual([]);
    served.kill("SIGINT");
    expect(await ended).toBe(0);
    await expect.poll(text("#link")).toContain("not live");
  } finally {
    served.kill("SIGKILL");
    await pages.close();
  }
});

test("a unit that has failed is told by the status and shows its log", async () => {
  await host.on("systemd-run --quiet --unit=berth-test-broken sh -c 'echo it broke; exit 3'");
  await expect.poll(() => host.on("systemctl is-failed berth-test-broken")).toBe("failed");
  const run = await berth("status");
  expect(run.exitCode).toBe(1);
  expect(run.output).toContain("web1: these units have failed: berth-test-broken.service");
  expect((await berth("logs", "web1", "--unit", "berth-test-broken")).stdout).toContain("it broke");
});

test("a host that is stopped is a row of the status, and nobody waits for it for long", async () => {
  const { items } = await json("hosts");
  const { HCLOUD_ENDPOINT: endpoint, HCLOUD_TOKEN: token } = host.lab.env;
  const answer = await fetch(`${endpoint}/servers/${items[0].serverId}/actions/poweroff`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(201);
  const status = async () => (await json("status")).items[0];
  await expect.poll(async () => (await status()).reached).toBe(false);
  const run = await berth("status");
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toMatch(/^web1 +not reached/m);
  expect(run.stdout).toMatch(/\n0 of 1 hosts are well\.$/);
  expect(await json("people")).toMatchObject({ exitCode: 1, items: [{ host: "web1", from: "not reached" }] });
  expect((await json("secrets")).items).toContainEqual(expect.objectContaining({ state: "not reached" }));
  expect(await berth("logs", "web1")).toMatchObject({ exitCode: 1, stdout: "" });
});
