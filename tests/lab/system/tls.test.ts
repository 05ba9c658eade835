import { mkdtemp, readFile, rm } from "node:fs/promises";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostManifest, manifest } from "../../../config/manifest.ts";
import { type Lab, up } from "../../../lab/lab.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { api, Host, until } from "./host.ts";

let folder: string;
let lab: Lab;
let host: Host;
let release: HostManifest;

const system = "web-tls";
const domain = "site.example.org";
const order = `acme-order-renew-${domain}.service`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-tls-"));
  lab = await up();
  host = await Host.order(`tls-${process.pid}`, folder, lab);
  const flake = `path:${lab.places.flake}`;
  const evaluated = await host.local("nix", ["eval", "--json", `${flake}#berth.hosts`]);
  if (evaluated.exitCode !== 0) throw new Error(evaluated.all);
  const found = manifest.parse(JSON.parse(evaluated.stdout))[system];
  if (!found?.kexecTarball) throw new Error(`the closed-world flake has no host ${system}`);
  release = found;
  const { toplevel, diskoScript, kexecTarball } = found;
  const built = [toplevel, diskoScript, kexecTarball].map(({ drvPath }) => `${drvPath}^out`);
  const result = await host.local("nix", ["build", "--no-link", ...built]);
  if (result.exitCode !== 0) throw new Error(result.all);
  const paths = ["--store-paths", diskoScript.out, toplevel.out, "--kexec", kexecTarball.out];
  const rest = ["--build-on", "local", "-i", host.login.file, "--extra-files", host.extraFiles];
  const installed = await host.local(join(checkout, "lab/stand-ins/nixos-anywhere"), [
    ...paths,
    ...rest,
    "--target-host",
    `root@${host.address}`,
  ]);
  if (installed.exitCode !== 0) throw new Error(installed.all);
  host.expectLastingKey();
  await host.answers("systemctl is-system-running --wait");
}, 300_000);

afterAll(async () => {
  await api(lab.env, "DELETE", "/zones/example.org").catch(() => undefined);
  await host?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Asks the host for a page under its domain; what the certificate lacks to be trusted by `ca` comes as the error. */
function ask(scheme: "http" | "https", path: string, ca?: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    host: host.address,
    path,
    headers: { host: domain },
    agent: false as const,
    timeout: 20_000,
  };
  const answer = (response: IncomingMessage) => {
    response.resume();
    resolve(response);
  };
  const asked =
    scheme === "http" ? getPlain(options, answer) : getTls({ ...options, servername: domain, ca }, answer);
  asked.on("timeout", () => asked.destroy(new Error("no answer within 20 s")));
  asked.on("error", reject);
  return promise;
}

const roots = () => readFile(join(lab.places.folder, "acme-root.pem"), "utf8");
const serial = async () =>
  (await host.run(`openssl x509 -in /var/lib/acme/${domain}/fullchain.pem -noout -serial`)).stdout;

test("the manifest says that the host has TLS and opens its port", () => {
  expect(release.virtualHosts).toEqual([{ name: domain, tls: true }]);
  expect(release.ports.tcp).toEqual([22, 80, 443]);
});

test("a host whose name leads nowhere yet serves behind a certificate of its own, and no unit fails for it", async () => {
  await expect(ask("https", "/", await roots())).rejects.toThrow(/self-signed certificate/);
  await until("the first order's end", 120_000, async () =>
    (await host.run(`systemctl show --property=ActiveState --value ${order}`)).stdout === "inactive"
      ? true
      : undefined,
  );
  expect((await host.run("systemctl is-system-running")).stdout).toBe("running");
});

test("port 80 leads to TLS, but tells its health to whoever asks", async () => {
  const redirect = await ask("http", "/a?b=c");
  expect(redirect.statusCode).toBe(301);
  expect(redirect.headers.location).toBe(`https://${domain}/a?b=c`);
  expect((await ask("http", "/healthz")).statusCode).toBe(200);
});

test("once the cloud's DNS leads its name to it, it gets a certificate that the lab's ACME root vouches for", async () => {
  await api(lab.env, "POST", "/zones", {
    name: "example.org",
    mode: "primary",
    rrsets: [{ name: "site", type: "A", records: [{ value: host.address }] }],
  });
  expect((await host.run(`getent ahostsv4 ${domain} | head -n 1`)).stdout).toContain(host.address);
  // The host tries again by itself within two minutes; this is that try, now.
  await host.run(`systemctl start acme-first-${domain}.service`);
  const answer = await until("a trusted certificate", 120_000, async () =>
    ask("https", "/", await roots()).catch(() => undefined),
  );
  expect(answer.statusCode).toBe(200);
});

test("a renewal before its time changes nothing; a due one changes the certificate, and the web server takes it", async () => {
  const first = await serial();
  expect((await host.run(`systemctl start ${order}`)).code).toBe(0);
  expect(await serial()).toBe(first);
  // As if its life were over: what is due is decided by this file.
  const certificates = "/var/lib/acme/.lego/certificates";
  await host.run(
    `cd ${certificates} && openssl req -x509 -key ${domain}.key -days 1 -subj /CN=${domain} -addext subjectAltName=DNS:${domain} -addext basicConstraints=CA:FALSE -out ${domain}.crt`,
  );
  expect((await host.run(`systemctl start ${order}`)).code).toBe(0);
  expect(await serial()).not.toBe(first);
  const trusted = await until("the new certificate", 60_000, async () =>
    ask("https", "/", await roots()).catch(() => undefined),
  );
  expect(trusted.statusCode).toBe(200);
});
