import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Evaluation, openFlake, repository } from "./nix.ts";

/** What services.webapp makes of its options, as the real modules say it with a whole nixpkgs. */

let flake: Evaluation;
beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake[Symbol.asyncDispose]());

const secure = `{
  services.webapp.site.domain = lib.mkForce "site.example.org";
  services.webapp.site.tls = { enable = true; hsts = 600; };
  security.acme.acceptTerms = true;
}`;
const email = `{ security.acme.defaults.email = "hostmaster@example.org"; }`;
/** The host web with more modules, each text in braces. */
const web = (...modules: string[]) =>
  `(host.extendModules { modules = [ ${modules.map((one) => `({ lib, ... }: ${one})`).join(" ")} ]; }).config`;
const seen = `config: {
  tcp = config.networking.firewall.allowedTCPPorts;
  udp = config.networking.firewall.allowedUDPPorts;
  health = map (check: if check.https != null then check.https else check.http) config.berth.health;
  refused = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  certificates = builtins.attrNames config.security.acme.certs;
  nginx = config.environment.etc."nginx/nginx.conf".source.text;
  settings = config.environment.etc."webapp/site".text;
}`;

test("an app over TLS has its certificate, HTTP/2 and 3 and their ports, and nothing of it where no name leads to", async (ctx) => {
  const shape = z.object({
    tcp: z.array(z.number()),
    udp: z.array(z.number()),
    health: z.array(z.string()),
    refused: z.array(z.string()),
    certificates: z.array(z.string()),
    nginx: z.string(),
    settings: z.string(),
  });
  const { outside, unsigned, virtual, pebble, first } = z
    .object({
      outside: shape,
      unsigned: z.array(z.string()),
      virtual: shape,
      pebble: z.array(z.string()),
      first: z.string(),
    })
    .parse(
      await flake.evaluate(
        ctx,
        "nixosConfigurations.web",
        `host: let
          seen = ${seen};
          full = ${web(secure, email)};
          vm = full.virtualisation.vmVariant;
        in {
          outside = seen full;
          unsigned = (seen ${web(secure)}).refused;
          virtual = seen vm;
          pebble = builtins.attrNames ${web(
            secure,
            email,
            '{ virtualisation.vmVariant.security.acme.defaults.server = "https://acme.test/dir"; }',
          )}.virtualisation.vmVariant.security.acme.certs;
          first = full.systemd.units."acme-order-renew-site.example.org.service".text;
        }`,
      ),
    );
  expect(outside).toMatchObject({
    tcp: [22, 80, 443],
    udp: [443],
    health: ["https://site.example.org/healthz"],
    refused: [],
    certificates: ["site.example.org"],
  });
  expect(outside.settings).toContain("\nscheme=https\n");
  for (const line of [
    /^\s*listen 0\.0\.0\.0:443 ssl default_server reuseport ;$/m,
    /^\s*listen \[::0\]:443 quic default_server reuseport ;$/m,
    /^\s*http2 on;$/m,
    /^\s*http3 on;$/m,
    /^\s*return 301 https:\/\/\$host\$request_uri;$/m,
    /^\s*"" "max-age=600";$/m,
    /^\s*add_header Strict-Transport-Security \$webapp_site_strict_transport_security always;$/m,
  ])
    expect(outside.nginx).toMatch(line);
  expect(unsigned).toEqual([expect.stringContaining("security.acme.defaults.email")]);
  expect(first, "an order that fails is no fault of the release").toContain("\nSuccessExitStatus=10\n");
  expect(virtual).toMatchObject({
    tcp: [22, 80],
    udp: [],
    health: ["http://site.example.org/healthz"],
    certificates: [],
  });
  expect(virtual.nginx).not.toMatch(/ssl_certificate|Strict-Transport/);
  expect(pebble, "an authority that is no public one").toEqual(["site.example.org"]);
});

/** Sections of a unit, sorted, without what the module puts around each program. */
const linesOf = (unit: string) =>
  unit
    .split("\n")
    .filter((line) => line !== "" && !/^(Environment="(LOCALE_ARCHIVE|TZDIR)|Description)=/.test(line));

test("an app in a container is the same unit in a system of its own, behind the same socket", async (ctx) => {
  const { service, container, inside, socket, refused, contents } = z
    .object({
      service: z.string(),
      container: z.string(),
      inside: z.string(),
      socket: z.string(),
      refused: z.array(z.string()),
      contents: z.record(z.string(), z.boolean()),
    })
    .parse(
      await flake.evaluate(
        ctx,
        "nixosConfigurations.web",
        `host: let
          secret = { services.webapp.site.credentials = [ "DATABASE_URL" ]; };
          contained = (host.extendModules { modules = [ secret { services.webapp.site.isolation = "container"; } ]; }).config;
          inside = contained.services.webapp.site.container;
        in {
          service = (host.extendModules { modules = [ secret ]; }).config.systemd.units."site@.service".text;
          container = contained.systemd.units."site@.service".text;
          inside = inside.systemd.units."site@.service".text;
          socket = inside.systemd.units."site@.socket".text;
          refused = map (a: a.message) (builtins.filter (a: !a.assertion)
            (inside.assertions ++ contained.assertions));
          contents = {
            nix = inside.nix.enable;
            sshd = inside.services.openssh.enable;
            firewall = inside.networking.firewall.enable;
            switch = inside.system.switch.enable;
            kernel = inside.boot.kernel.enable;
          };
        }`,
      ),
    );
  const credentials = /^(LoadCredential|ExecCondition)/;
  const ofService = linesOf(service).filter((line) => !credentials.test(line));
  expect(linesOf(inside).filter((line) => !credentials.test(line))).toEqual(ofService);
  expect(linesOf(inside)).toContain("LoadCredential=DATABASE_URL");
  expect(socket).toContain("\nListenStream=/run/webapp/site/%i.sock\n");
  expect(container).toMatch(
    /^ExecStart=\S+\/systemd-nspawn .*--private-network --private-users=pick .*--load-credential=DATABASE_URL:DATABASE_URL -- \S+\/init systemd\.wants=site@%i\.service$/m,
  );
  expect(container).toContain(
    "\nLoadCredentialEncrypted=DATABASE_URL:/var/lib/berth/credentials/site/DATABASE_URL\n",
  );
  // What a switch and a change-over go by.
  expect(container).toContain("\nX-RestartIfChanged=false\n");
  expect(container).toContain("\nRequires=site@%i.socket\n");
  expect(refused).toEqual([]);
  expect(contents).toEqual({ nix: false, sshd: false, firewall: false, switch: false, kernel: false });
});

test("the page on web apps has every option, with its default", async (ctx) => {
  const defaults = z.record(z.string(), z.unknown()).parse(
    await flake.evaluate(
      ctx,
      "nixosConfigurations.web.options.services.webapp.type",
      `type: let
        flat = prefix: options: builtins.concatLists (builtins.attrValues (builtins.mapAttrs (name: option:
          if (option._type or "") == "option" then
            (if option.internal or false then [ ] else [ { name = prefix + name; value = if option ? defaultText then null else option.default or null; } ])
          else flat (prefix + name + ".") option) (removeAttrs options [ "_module" ])));
      in builtins.listToAttrs (flat "" (type.getSubOptions [ ]))`,
    ),
  );
  const page = await readFile(join(repository, "docs/webapp.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([a-zA-Z.]+)` \| (?:`([^|]*)`)?[^|]*\|/gm)].map(
    ([, name = "", value]) => [name, value?.replaceAll(" ", "")],
  );
  expect(rows.map(([name]) => name).toSorted()).toEqual(Object.keys(defaults).toSorted());
  for (const [name = "", value] of rows) {
    const wanted = defaults[name];
    if (value !== undefined && wanted !== null) expect(value, name).toBe(JSON.stringify(wanted));
  }
});
