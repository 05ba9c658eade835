import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Lab, reset, up } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { api, Host, until } from "../lab/system/host.ts";
import { type Generated, generate } from "../nix/generated.ts";
import { type Evaluation, evaluated, openFlake } from "../nix/nix.ts";
import { containerOnDebian, installed, prepared, putProbe, standIns, written } from "./real-units/install.ts";
import { ask, askingDuring, changesOf } from "./requests.ts";

/**
 * The units and the nginx configuration that the real modules generate with a whole nixpkgs, run on a host of the lab: nothing of theirs is
 * changed, and the programs at their places in the store are Debian's. Skipped where there is no nixpkgs.
 */

const folder = join(checkout, ".lab-e2e-units");
const domain = "probe.example.org";
const order = `acme-order-renew-${domain}.service`;

interface Both {
  host: Generated;
  /** The system of the container. */
  container: Generated;
}

let flake: Evaluation;
let missing: string | undefined;
let files: string;
let lab: Lab;
let host: Host;
/** What was generated, with the app's first release and its second. */
let first: Both;
let second: Both;
let site: string;

const apps = ["site", "probe", "free", "boxed"] as const;
const units = [
  ...apps.flatMap((app) => [`${app}.service`, `${app}@.service`, `${app}@.socket`]),
  ...["site-port-3000", "probe-port-3001", "free-port-3002", "boxed-port-3003"].flatMap((port) => [
    `${port}.socket`,
    `${port}.service`,
  ]),
  ...["nginx.service", "nginx-config-reload.service"],
  ...["acme-setup.service", `acme-${domain}.service`, order, `acme-renew-${domain}.timer`],
  ...[`acme-first-${domain}.service`, `acme-first-${domain}.timer`],
];
const etc = ["nginx/nginx.conf", ...apps.map((app) => `webapp/${app}`)];

/** The host web with an app that tries its sandbox, and the same with a way out. */
const config = (directory: string, outside: string, release: string) => `(host.extendModules { modules = [
  ({ lib, pkgs, ... }: let
    probe = {
      package = pkgs.hello;
      command = [ "/usr/bin/python3" "/opt/probe.py" ];
      environment.PROBE_OUTSIDE = "${outside}";
      inherit release;
    };
    release = "${release}";
  in {
    services.webapp = {
      site = { inherit release; };
      probe = probe // {
        port = 3001;
        domain = "${domain}";
        tls = { enable = true; hsts = 600; };
        health.path = "/healthz";
        resources = { memoryMax = "96M"; tasksMax = 24; };
      };
      free = probe // { port = 3002; outbound = true; };
      boxed = probe // { port = 3003; isolation = "container"; credentials = [ "GREETING" ]; };
    };
    security.acme = {
      acceptTerms = true;
      defaults = { email = "hostmaster@example.org"; server = "${directory}"; };
    };
    # The root of the lab's ACME server.
    systemd.services."acme-order-renew-${domain}".environment.LEGO_CA_CERTIFICATES = "/etc/acme-root.pem";
  })
]; }).config`;

/** A host's shell, as root; its output. Throws when it fails. */
async function on(script: string): Promise<string> {
  const { code, stdout, all } = await host.run(script);
  if (code !== 0) throw new Error(`${script.slice(0, 200)}: ${code}\n${all}`);
  return stdout.trim();
}
/** What was generated, installed over whatever was there, as a switch does it. */
async function put({ host: system, container }: Both): Promise<void> {
  const unit = system.units["boxed@.service"] ?? "";
  const script = [
    installed(system, await standIns(site, container)),
    written("/etc/systemd/system/boxed@.service.d/debian.conf", containerOnDebian(unit)),
    "systemctl daemon-reload",
  ].join("\n");
  const ended = await host.local("ssh", [`root@${host.address}`, "sh -s"], 60_000, script);
  if (ended.exitCode !== 0) throw new Error(ended.all);
}
const at = (path: string) => `http://${host.address}${path}`;
const current = (app: string) =>
  on(`echo ${app}@$(basename $(readlink /run/webapp/${app}/current.sock) .sock).service`);

beforeAll(async () => {
  flake = await openFlake();
  const { inputs } = flake;
  if ("missing" in inputs) {
    missing = inputs.missing;
    return;
  }
  files = await mkdtemp(join(tmpdir(), "real-units-"));
  await reset({ folder });
  lab = await up({ folder });
  const { acme } = z
    .object({ acme: z.object({ directory: z.string(), root: z.string() }) })
    .parse(JSON.parse(await readFile(join(lab.places.flake, "lab.json"), "utf8")));
  const evaluate = (attribute: string, apply: string) =>
    evaluated(flake.folder, inputs.args, attribute, apply);
  const made = async (release: string): Promise<Both> => {
    const outside = new URL(acme.directory).host;
    const whole = config(acme.directory, outside, release);
    return {
      host: await generate(evaluate, { host: "web", config: whole, units, etc }),
      container: await generate(evaluate, {
        host: "web",
        config: `${whole}.services.webapp.boxed.container`,
        units: ["boxed@.service", "boxed@.socket", "local-fs.target"],
        etc: [],
      }),
    };
  };
  first = await made("first");
  second = await made("second");

  host = await Host.order("units", files, lab);
  const built = await host.local("nix", [
    ...["build", "--no-link", "--print-out-paths"],
    `path:${lab.places.flake}#packages.x86_64-linux.site`,
  ]);
  if (built.exitCode !== 0) throw new Error(built.all);
  site = built.stdout.trim();
  await host.copy(site);
  await on(prepared);
  await on(await putProbe());
  await on(written("/etc/acme-root.pem", acme.root));
  await on(`mkdir -p -m 700 /var/lib/berth/credentials/boxed
printf 'a secret' | systemd-creds encrypt --name=GREETING - /var/lib/berth/credentials/boxed/GREETING`);
  await put(first);
}, 600_000);

beforeEach(({ skip }) => skip(missing !== undefined, missing));

afterAll(async () => {
  await flake?.[Symbol.asyncDispose]();
  if (missing !== undefined) return;
  await reset({ folder });
  await rm(files, { recursive: true, force: true });
});

/** The app's answer on the socket of the instance that has the traffic. */
const askApp = (app: string, path: string) =>
  on(
    `curl --silent --fail --max-time 30 --unix-socket /run/webapp/${app}/current.sock http://localhost${path}`,
  );
const trials = z.record(z.string(), z.string());
const refusedOf = (seen: Record<string, string>) => Object.keys(seen).filter((name) => seen[name] !== "ok");
const allowedOf = (seen: Record<string, string>) => Object.keys(seen).filter((name) => seen[name] === "ok");

test("systemd finds nothing wrong with the units but what is newer than itself, nor nginx with its configuration", async () => {
  const files = units.map((unit) => unit.replace("@.", "@a.")).join(" ");
  const said = (await on(`systemd-analyze verify --man=no ${files} 2>&1 || true`)).split("\n");
  expect(said.filter((line) => line !== "" && !line.includes("Unknown key 'PrivateBPF'"))).toEqual([]);
  expect(said.length, "every sandbox has it").toBeGreaterThanOrEqual(3);
  const exposure = async (unit: string) =>
    Number(
      /[0-9.]+(?= \S+ \S+$)/.exec(await on(`systemd-analyze security --no-pager ${unit} | tail -n 1`))?.[0],
    );
  const scores: Record<string, number> = {};
  for (const unit of ["site@a", "boxed@a", "site-port-3000", "nginx"])
    scores[unit] = await exposure(`${unit}.service`);
  process.stdout.write(`exposure by systemd-analyze security: ${JSON.stringify(scores)}\n`);
  expect(scores["site@a"]).toBeLessThanOrEqual(1.2);
  await on("systemctl start multi-user.target sockets.target timers.target");
  expect(await on("nginx -t -c /etc/nginx/nginx.conf 2>&1")).toContain("test is successful");
});

describe("ACME by NixOS' own units, against the lab's authority", () => {
  /** A request on the host itself, whose curl speaks HTTP/3; what it lacks to be trusted is its exit code. */
  const secure = async (args: string) => {
    await on(written("/root/issued.pem", await readFile(join(lab.places.folder, "acme-root.pem"), "utf8")));
    return await host.run(
      `curl --silent --max-time 20 --cacert /root/issued.pem --resolve ${domain}:443:127.0.0.1 --resolve ${domain}:80:127.0.0.1 ${args}`,
    );
  };

  test("a name that leads nowhere yet fails no unit, and the app serves behind a certificate of the host's own", async () => {
    await until("the first order's end", 120_000, async () =>
      (await host.run(`journalctl --unit=${order} --output=cat | grep 'exit 10'`)).code === 0
        ? true
        : undefined,
    );
    expect(await on("systemctl list-units --failed --plain --no-legend")).toBe("");
    expect((await secure(`https://${domain}/`)).code, "not trusted").toBe(60);
    expect((await secure(`--insecure https://${domain}/`)).stdout).toBe("first");
  });

  test("once it leads here the certificate is ordered, and nginx takes it", async () => {
    await api(lab.env, "POST", "/zones", {
      name: "example.org",
      mode: "primary",
      rrsets: [{ name: "probe", type: "A", records: [{ value: host.address }] }],
    });
    await on(`systemctl start acme-first-${domain}.service`);
    await until("a trusted certificate", 120_000, async () =>
      (await secure(`https://${domain}/`)).code === 0 ? true : undefined,
    );
    expect(await on("systemctl list-units --failed --plain --no-legend")).toBe("");
  });

  test("answers come by HTTP/2 and 3, with the headers that the app has not set itself; plain HTTP leads there", async () => {
    const seen = async (args: string) =>
      (await secure(`--head --request GET --output - ${args}`)).stdout.toLowerCase();
    const two = await seen(`--http2 https://${domain}/`);
    expect(two).toMatch(/^http\/2 200/);
    expect(two).toContain('alt-svc: h3=":443"; ma=86400');
    expect(two).toContain("strict-transport-security: max-age=600");
    expect(two).toContain("x-content-type-options: nosniff");
    expect(two.match(/^x-frame-options: .*$/gm)).toEqual(["x-frame-options: deny"]);
    expect(await seen(`--http3-only https://${domain}/`)).toMatch(/^http\/3 200/);
    const plain = await seen(`http://${domain}/a?b=c`);
    expect(plain).toMatch(/^http\/1\.1 301/);
    expect(plain).toContain(`location: https://${domain}/a?b=c`);
  });

  test("the app answers by its own address and port as well, under the name of its release", async () => {
    expect(await ask(at("/healthz"))).toContain('"release":"first"');
    expect(await on("curl --silent --max-time 20 http://127.0.0.1:3000/healthz")).toContain(
      '"release":"first"',
    );
  });
});

describe("the sandbox", () => {
  test("refuses what it is there to refuse, all of which works without it", async () => {
    const { acme } = JSON.parse(await readFile(join(lab.places.flake, "lab.json"), "utf8"));
    const outside = new URL(acme.directory).host;
    const root = trials.parse(JSON.parse(await on(`PROBE_OUTSIDE=${outside} python3 /opt/probe.py once`)));
    const [closed, open, boxed] = await Promise.all(
      ["probe", "free", "boxed"].map(async (app) => trials.parse(JSON.parse(await askApp(app, "/try")))),
    );
    if (!closed || !open || !boxed) throw new Error("an app has not answered");
    expect(refusedOf(root)).toEqual([]);
    expect(allowedOf(closed)).toEqual(["reach the loopback", "write to /tmp"]);
    expect(allowedOf(open)).toEqual(["reach another machine", "reach the loopback", "write to /tmp"]);
    // Nobody else is on the container's loopback.
    expect(allowedOf(boxed)).toEqual(["write to /tmp"]);
    const rows = Object.keys(closed).map(
      (name) =>
        `${name.padEnd(34)}${(closed[name] ?? "").padEnd(14)}${(open[name] ?? "").padEnd(14)}${boxed[name]}`,
    );
    process.stdout.write(
      `${" ".repeat(34)}${"service".padEnd(14)}${"outbound".padEnd(14)}container\n${rows.join("\n")}\n`,
    );
  });

  test("holds memory and tasks to their limits", async ({ skip }) => {
    const controllers = await on("cat /sys/fs/cgroup/cgroup.controllers");
    if (!/\bmemory\b/.test(controllers) || !/\bpids\b/.test(controllers))
      return skip(
        "needs the memory and pids controllers of unified cgroups, which this machine gives to the older hierarchy",
      );
    expect(Number(await askApp("probe", "/fork?n=100"))).toBeLessThan(24);
    const unit = await current("probe");
    const before = await on(`systemctl show --property=MainPID --value ${unit}`);
    await host.run(
      "curl --silent --max-time 30 --unix-socket /run/webapp/probe/current.sock http://localhost/eat?mb=200",
    );
    expect(await on(`journalctl --unit=${unit} --output=cat`)).toContain("oom-kill");
    await until("another process", 30_000, async () => {
      const now = await on(`systemctl show --property=MainPID --value ${unit}`);
      return now !== "0" && now !== before ? true : undefined;
    });
  });
});

describe("under requests all the time", () => {
  test("an instance that starts again fails none of them", async () => {
    const unit = await current("site");
    const before = await on(`systemctl show --property=MainPID --value ${unit}`);
    const [, seen] = await askingDuring([at("/healthz"), at("/healthz"), at("/")], () =>
      on(`systemctl restart ${unit}`),
    );
    expect(seen.failures).toEqual([]);
    expect(await on(`systemctl show --property=MainPID --value ${unit}`)).not.toBe(before);
  });

  test("a release changes over without a failed one, in a service and in a container", async () => {
    expect(await askApp("boxed", "/secret")).toBe("a secret");
    const before = { site: await current("site"), boxed: await current("boxed") };
    await put(second);
    // The container is published by no name: its port stands for it.
    const loop = `for i in $(seq 400); do curl --silent --fail --max-time 20 http://127.0.0.1:3003/ || echo " FAILED $?"; echo; [ -e /root/over ] && break; sleep 0.02; done | uniq -c | sed 's/^ *[0-9]* //'`;
    await on("rm -f /root/over");
    const boxed = on(loop);
    const [, seen] = await askingDuring([at("/healthz"), at("/healthz"), at("/")], () =>
      on("systemctl reload site boxed"),
    );
    await on("sleep 1; touch /root/over");
    expect(seen.failures).toEqual([]);
    for (const row of seen.loops.slice(0, 2))
      expect(changesOf(row.map((body) => /"release":"(\w+)"/.exec(body)?.[1] ?? body))).toEqual([
        "first",
        "second",
      ]);
    expect(await boxed).toBe("first\nsecond");
    expect(await current("site")).not.toBe(before.site);
    expect(await current("boxed")).not.toBe(before.boxed);
    await until("the end of those before", 90_000, async () =>
      (await on(`systemctl is-active ${before.site} ${before.boxed} || true`)) === "inactive\ninactive"
        ? true
        : undefined,
    );
    expect(await on("systemctl list-units --failed --plain --no-legend")).toBe("");
  });

  test("an app in a container that crashes is started again behind the same socket", async () => {
    const unit = await current("boxed");
    const leader = `$(systemctl show --property=MainPID --value ${unit})`;
    const app = `$(pgrep --full --newest 'python3 /opt/probe.py' --ns ${leader} --nslist mnt 2>/dev/null || pgrep --full --newest 'python3 /opt/probe.py')`;
    expect(await on(`kill -KILL ${app}; curl --silent --fail --max-time 30 http://127.0.0.1:3003/`)).toBe(
      "second",
    );
    // The whole container, too.
    expect(await on(`kill -KILL ${leader}; curl --silent --fail --max-time 60 http://127.0.0.1:3003/`)).toBe(
      "second",
    );
    expect(await current("boxed")).toBe(unit);
  });
});
