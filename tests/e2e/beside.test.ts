import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Release, release } from "../../deployer/release/release.ts";
import { Site } from "../../lab/journey/site.ts";
import type { Lab } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type OneHost, oneHost } from "./one-host.ts";
import { ask, askingDuring, changesOf } from "./requests.ts";
import { type Variant, variantOf } from "./variant.ts";

/** A web app changes over beside what runs, under requests all the time, on a lab of this file's own. */

let host: OneHost;
let site: Site;

/** Pages of the lab's app that are needed here alone. */
const pages = {
  // Takes its time, and tells which release has answered.
  "src/routes/slow/+server.ts": `import { setTimeout } from "node:timers/promises";
export const GET = async () => {
  await setTimeout(2000);
  return new Response(process.env.APP_RELEASE ?? "");
};`,
  "src/routes/release/+server.ts": `export const GET = () => new Response(process.env.APP_RELEASE ?? "");`,
  "src/routes/secret/+server.ts": `import { readFileSync } from "node:fs";
export const GET = () => new Response(readFileSync(\`\${process.env.CREDENTIALS_DIRECTORY}/GREETING\`, "utf8"));`,
};

const config = (lab: Lab, args: string[], input = "") =>
  execa("pulumi", ["config", ...args], { cwd: checkout, env: lab.env, input });
const setSecret = (lab: Lab, name: string, value: string) =>
  config(lab, ["set", "--secret", "--path", `berth:secrets.${name}`], value);
const setHost = (lab: Lab, path: string, value: string) =>
  config(lab, ["set", "--path", `berth:hosts.web1.${path}`, value]);

async function prepare(lab: Lab): Promise<void> {
  const source = join(lab.places.flake, "site");
  site = new Site(source);
  for (const [path, text] of Object.entries(pages)) {
    await mkdir(dirname(join(source, path)), { recursive: true });
    await writeFile(join(source, path), text);
  }
  await setHost(lab, "system", "web-secrets");
  await setHost(lab, "secrets.site.GREETING", "greeting");
  await setHost(lab, "secrets.keeper.KEEPER_CERT", "other");
  await setHost(lab, "secrets.keeper.KEEPER_KEY", "other");
  await setSecret(lab, "greeting", "first");
  await setSecret(lab, "other", "other");
}

beforeAll(async () => {
  host = await oneHost(join(checkout, ".lab-e2e-beside"), prepare);
});
afterAll(() => host?.down());

const up = () => host.engine.run(["up", "--yes", "--skip-preview"]);
const at = (path: string) => `http://${host.outputs.hosts.web1?.address}${path}`;
/** New connections all the time, several at once, some of which take long. */
const steady = (path = "/release") => [
  ...Array.from({ length: 4 }, () => at(path)),
  ...Array.from({ length: 3 }, () => at("/slow")),
];

/** The instance that has the traffic: its unit and its process. */
async function current(): Promise<{ unit: string; pid: string }> {
  const slot = (await host.on("readlink /run/webapp/site/current.sock")).replace(".sock", "");
  const unit = `site@${slot}.service`;
  return { unit, pid: await host.on(`systemctl show --property=MainPID --value ${unit}`) };
}
const instances = () =>
  host.on("systemctl list-units --all --plain --no-legend 'site@*' | awk '{ print $1, $3 }' | sort");
const runsAlone = async () => {
  const { unit } = await current();
  await expect
    .poll(instances, { timeout: 60_000, interval: 1_000 })
    .toBe(`${unit} active\n${unit.replace("service", "socket")} active`);
};
const failedUnits = () => host.on("systemctl list-units --plain --no-legend --state=failed");

describe("under requests all the time", () => {
  test("a good release fails none of them; answers change once, and the old process ends", async () => {
    const before = await current();
    const old = await ask(at("/release"));
    await site.change("Beside.");
    const [run, seen] = await askingDuring(steady(), up);
    expect(run.exitCode, run.output).toBe(0);
    expect(seen.failures).toEqual([]);
    const now = await ask(at("/release"));
    expect(now).not.toBe(old);
    for (const row of seen.loops) expect(changesOf(row)).toEqual([old, now]);
    expect((await current()).unit).not.toBe(before.unit);
    await expect.poll(() => host.on(`ls -d /proc/${before.pid} || true`), { timeout: 60_000 }).toBe("");
    await runsAlone();
  });

  test("one that answers 500 is met by nobody, the process stays, and the update says why", async () => {
    const before = await current();
    const old = await ask(at("/release"));
    const { release: kept } = (await host.engine.outputs()).hosts.web1 ?? {};
    await site.break();
    const [run, seen] = await askingDuring(steady(), up);
    await site.mend();
    const said = run.output.replaceAll(/\s+/g, " ");
    expect(run.exitCode).not.toBe(0);
    expect(said).toMatch(/GET http:\/\/site\.lab\/healthz answered 500, expected 200, for 20 s/);
    expect(said, "what the new instance has written").toContain("broken on purpose");
    expect(said).toContain(`Rolled back to ${kept}`);
    expect(seen.failures).toEqual([]);
    for (const row of seen.loops) expect(changesOf(row)).toEqual([old]);
    expect(await current()).toEqual(before);
    await runsAlone();
    expect(await failedUnits()).toBe("");
    const refreshed = await host.engine.run(["refresh", "--yes", "--skip-preview"]);
    expect(refreshed.output).not.toMatch(/failed/i);
    const again = await up();
    expect(again.exitCode, again.output).toBe(0);
  });

  test("a changed secret is served by a new instance, and no request fails", async () => {
    expect(await ask(at("/secret"))).toBe("first");
    const second = randomBytes(8).toString("hex");
    await setSecret(host.lab, "greeting", second);
    const [run, seen] = await askingDuring(steady("/secret"), up);
    expect(run.exitCode, run.output).toBe(0);
    expect(seen.failures).toEqual([]);
    for (const row of seen.loops.slice(0, 4)) expect(changesOf(row)).toEqual(["first", second]);
    await runsAlone();
  });
});

describe("an instance", () => {
  test("that is killed is started again, and who asks meanwhile waits for it", async () => {
    const { unit, pid } = await current();
    const answer = await host.on(
      `kill -KILL ${pid}; curl --silent --output /dev/null --max-time 20 --write-out '%{http_code}' http://localhost/healthz`,
    );
    expect(answer).toBe("200");
    const after = await current();
    expect(after.unit).toBe(unit);
    expect(after.pid).not.toBe(pid);
  });

  test("is reached by the app's port as well", async () => {
    const { unit } = await current();
    expect(await host.on("curl --silent --max-time 20 http://127.0.0.1:3000/release")).toBe(
      await ask(at("/release")),
    );
    await host.on("rm /run/webapp/site/*.is; systemctl reload site");
    expect((await current()).unit).not.toBe(unit);
    expect(await host.on("curl --silent --max-time 20 http://127.0.0.1:3000/release")).toBe(
      await ask(at("/release")),
    );
  });

  test("that a change-over which was cut off has left beside the current one goes with the next", async () => {
    await host.on("systemctl reload site");
    const before = await current();
    const other = before.unit === "site@a.service" ? "site@b.service" : "site@a.service";
    await host.on(`systemctl start ${other}`);
    await host.on("systemctl reload site");
    expect(await current()).toEqual(before);
    await runsAlone();
  });

  test("that ends badly once it has given the traffic up is no failed unit", async () => {
    const before = await current();
    // A request that is open keeps it from ending; what is not known to be healthy is changed over.
    await host.on(
      `curl --silent --output /dev/null http://localhost/slow & sleep 0.3; rm /run/webapp/site/*.is; systemctl reload site; kill -KILL ${before.pid}; wait`,
    );
    expect((await current()).unit).not.toBe(before.unit);
    await runsAlone();
    expect(await failedUnits()).toBe("");
  });

  test("goes with the app, socket and all, and comes back with it", async () => {
    await host.on("systemctl stop site");
    await expect.poll(instances, { timeout: 45_000, interval: 1_000 }).toBe("");
    expect(await host.on("ls /run/webapp/site | grep sock || true")).toBe("");
    await host.on("systemctl start site");
    await runsAlone();
    expect(await ask(at("/release"))).toMatch(/^\/nix\/store\//);
  });

  test("is one whatever is asked of the app at once", async () => {
    await host.on(
      "systemctl restart site & systemctl reload-or-restart site & systemctl reload site & wait; systemctl is-active site",
    );
    await runsAlone();
    expect(await failedUnits()).toBe("");
  });
});

test("a reboot waits for no instance, and comes back to one", async () => {
  const bootId = () => host.on("cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  await host.session.sh("systemctl reboot", { deadline: 20_000 }).catch(() => undefined);
  host.session.drop();
  await expect
    .poll(() => bootId().then((now) => now !== "" && now !== before), { timeout: 150_000, interval: 1_000 })
    .toBe(true);
  expect(await host.on("systemctl is-system-running --wait")).toBe("running");
  expect(
    await host.on("journalctl --boot=-1 --unit=site.service --no-pager | grep 'timed out' || true"),
  ).toBe("");
  await runsAlone();
});

describe("a release by the deployer alone", () => {
  const wanted = async (variant: Variant, more: Partial<Release> = {}): Promise<Release> => ({
    ...(await variantOf(host.good, variant)),
    system: "x86_64-linux",
    health: [{ http: at("/healthz") }],
    healthDeadline: 10,
    owner: "test",
    ...more,
  });
  const deploy = (one: Release) =>
    release(host.session, one, { status: () => undefined }).then(
      () => undefined,
      (error: Error) => error.message,
    );
  const file = (path: string) => host.on(`cat /etc/${path}`);
  /** The app's units and settings, with another instance that runs this. */
  const another = async (command: string) => ({
    "webapp/site": `${(await file("webapp/site")).replace(/^release=.*$/m, `release=${command}`)}\n`,
    "systemd/system/site.service": (await file("systemd/system/site.service")).replace(
      /^X-Restart-Triggers=.*$/m,
      `X-Restart-Triggers=${Buffer.from(command).toString("hex")}`,
    ),
    "systemd/system/site@.service": (await file("systemd/system/site@.service")).replace(
      /^ExecStart=.*$/m,
      `ExecStart=${command}`,
    ),
  });

  test("whose switch is cut off as its instance never answers leaves the old one where it is", async () => {
    host.good = (await host.look()).current ?? "";
    const before = await current();
    const one = await wanted({ etc: await another("/bin/sleep 600") }, { switchDeadline: 5 });
    const [why, seen] = await askingDuring([at("/release")], () => deploy(one));
    expect(why).toContain(`Rolled back to ${host.good}`);
    expect(seen.failures).toEqual([]);
    expect(await current()).toEqual(before);
    await runsAlone();
    expect(await failedUnits()).toBe("");
  });

  test("whose instance crashes at once is refused at once, with the crash's words", async () => {
    const before = await current();
    const one = await wanted({ etc: await another("/bin/ls /no/such/folder") });
    const [why, seen] = await askingDuring([at("/release")], () => deploy(one));
    expect(why).toMatch(/these units failed: site\.service/);
    expect(why).toContain("it ended before it was healthy");
    expect(why).toContain("cannot access '/no/such/folder'");
    expect(seen.failures).toEqual([]);
    expect(await current()).toEqual(before);
    await runsAlone();
  });

  test("goes from one process behind a socket to this and back, by switch and by rollback", async () => {
    const entry = "/run/webapp/site/current.sock";
    const [nginx, unit] = [await file("nginx/nginx.conf"), await file("systemd/system/nginx.service")];
    const instance = await file("systemd/system/site@.service");
    const alone = await wanted({
      etc: {
        "nginx/nginx.conf": nginx.replaceAll(entry, "/run/site.sock"),
        "systemd/system/nginx.service": unit.replace(/^X-Reload-Triggers=.*$/m, "X-Reload-Triggers=another"),
        "systemd/system/site@.service": null,
        "systemd/system/site@.socket": null,
        "webapp/site": null,
        "systemd/system/site.service": instance
          .replace(/^(PartOf|X-RestartIfChanged)=.*\n/gm, "")
          .replaceAll("site@%i.socket", "site.socket")
          .replace("[Service]", "[Service]\nX-StopIfChanged=false"),
      },
      units: {
        "site.socket": "[Socket]\nListenStream=/run/site.sock\nSocketMode=0660\nSocketGroup=www-data\n",
      },
    });
    const gaps: string[] = [];
    const step = async (what: string, one: Release) => {
      const [why, { failures }] = await askingDuring([at("/release")], () => deploy(one));
      const gap = (failures.at(-1)?.at ?? 0) - (failures[0]?.at ?? 0);
      gaps.push(`${what}: ${failures.length} requests refused within ${gap} ms`);
      expect(await failedUnits()).toBe("");
      return why;
    };
    expect(await step("to one process", alone)).toBeUndefined();
    expect(await instances()).toBe("");
    const back = { ...alone, toplevel: host.good, drvPath: "" };
    const unfit = { ...back, health: [{ http: at("/healthz"), body: "a release of tomorrow" }] };
    expect(await step("to two instances, and rolled back", unfit)).toContain(
      `Rolled back to ${alone.toplevel}`,
    );
    expect(await instances()).toBe("");
    expect(await ask(at("/release"))).toMatch(/^\/nix\/store\//);
    expect(await step("to two instances", back)).toBeUndefined();
    await runsAlone();
    process.stdout.write(`${gaps.join("\n")}\n`);
  });
});
