import { afterAll, beforeAll, expect, test } from "vitest";
import { movedTo, objectionsTo } from "./check/nginx.ts";
import { Tally } from "./check/tally.ts";
import { findNginx, type NginxProgram } from "./spa/program.ts";
import { complaintsAbout, exposureOf } from "./units.ts";

// What `npm run check:nix` is made of, with mistakes put in its way.
let program: NginxProgram | undefined;

beforeAll(async () => {
  program = await findNginx();
});
afterAll(() => program?.[Symbol.asyncDispose]());

const service = (...lines: string[]) =>
  ["[Service]", "ExecStart=/nix/store/x/bin/app", ...lines, ""].join("\n");

test("a misspelt key of a unit is complained of, and nothing is of a sound one", async () => {
  expect(
    await complaintsAbout({ "app.service": service("ProtectSystem=strict", "PrivateBPF=true") }),
  ).toEqual([]);
  expect((await complaintsAbout({ "app@.service": service("ProtectSytem=strict") })).join("\n")).toContain(
    "ProtectSytem",
  );
});

test("a unit without a sandbox is exposed", async () => {
  expect(await exposureOf({ "app.service": service() }, "app.service")).toBeGreaterThan(9);
});

const config = (server: string) => `
pid /run/nginx/nginx.pid;
user nginx nginx;
error_log stderr;
events { }
http {
  include /nix/store/0-mailcap/etc/nginx/mime.types;
  include /nix/store/1-nginx/conf/fastcgi.conf;
  access_log /var/log/nginx/access.log;
  server {
    listen 0.0.0.0:80 default_server ;
    listen [::0]:80 default_server ;
    location / {
      ${server}
      include /nix/store/2-headers.conf;
    }
  }
}
`;
const includes = { "/nix/store/2-headers.conf": "proxy_set_header Host $host;\n" };

test("a configuration is tested on the loopback, without root, with its includes", async (ctx) => {
  if (!program) return ctx.skip("needs nginx on PATH, or the image of the lab's machines");
  const moved = movedTo("/f", config(""), "/etc/nginx/mime.types");
  expect([...moved.matchAll(/listen (\S+)/g)].map(([, address]) => address)).toEqual([
    "127.0.0.1:10080",
    "127.0.0.2:10080",
  ]);
  expect(moved).not.toMatch(/\/nix\/store|\/var\/log|user nginx/);
  const sound = { config: config("proxy_pass http://unix:/run/app.sock:;"), includes };
  expect(await objectionsTo(sound, program)).toBe("");
  const broken = { config: config("proxy_pas http://unix:/run/app.sock:;"), includes };
  expect(await objectionsTo(broken, program)).toContain('unknown directive "proxy_pas"');
});

test("counts what was evaluated apart from what was run, and fails where anything did or nothing was looked at", () => {
  const said: string[] = [];
  const tally = new Tally((line) => said.push(line));
  tally.evaluated("packages.x.site");
  tally.ran("nginx -t, web");
  tally.skipped("a VM", "needs KVM");
  expect(tally.conclude()).toBe(0);
  expect(said).toEqual([
    "evaluated  packages.x.site",
    "ran        nginx -t, web",
    "SKIPPED    a VM: needs KVM",
    "1 evaluated, 1 run, 0 failed, 1 skipped",
  ]);
  tally.failed("nginx -t, web-arm", "unknown directive\non line 3\n");
  expect(tally.conclude()).toBe(1);
  expect(said).toContain("FAILED     nginx -t, web-arm\n           unknown directive\n           on line 3");
  const nothing = new Tally(() => {});
  nothing.skipped("everything", "needs nixpkgs");
  expect(nothing.conclude()).toBe(1);
});
