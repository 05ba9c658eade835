import { describe, expect, test } from "vitest";
import { healthCheck, manifest } from "../../../config/manifest.ts";
import { webManifest } from "./samples.ts";

describe("a health check", () => {
  test.each([
    [{ http: "http://example.org/healthz" }],
    [{ https: "https://example.org:8443/", body: "ok" }],
    [{ http: "http://[2001:db8::1]/", status: 404 }],
    [{ https: "https://example.org/slow", timeout: 20 }],
    [{ tcp: 5432 }],
    [{ unit: "postgresql@16-main.service" }],
    [{ command: "systemctl is-system-running", body: "running", timeout: 0.5 }],
  ])("may be %o", (check) => {
    expect(healthCheck.parse(check)).toEqual(check);
  });

  test.each<[string, unknown, string]>([
    ["nothing to ask", {}, "exactly one of http, https, tcp, unit and command"],
    [
      "two URLs",
      { http: "http://a.org/", https: "https://a.org/" },
      "exactly one of http, https, tcp, unit and command",
    ],
    [
      "a URL and a unit",
      { http: "http://a.org/", unit: "a.service" },
      "exactly one of http, https, tcp, unit and command",
    ],
    ["a status of a port", { tcp: 22, status: 200 }, "a status is http's or https's"],
    ["a body of a unit", { unit: "a.service", body: "ok" }, "a body is what a URL or a command answers"],
    ["a port beyond 65535", { tcp: 65536 }, "a port from 1 to 65535"],
    ["a unit without its kind", { unit: "site" }, "a unit with its kind, such as site.service"],
    ["a unit that is an option", { unit: "--all" }, "a unit with its kind, such as site.service"],
    ["an empty command", { command: "" }, "a command line"],
    ["no time", { tcp: 22, timeout: 0 }, "seconds, more than 0 and 300 at most"],
    ["https under http", { http: "https://a.org/" }, "a URL that begins with http://"],
    ["http under https", { https: "http://a.org/" }, "a URL that begins with https://"],
    [
      "a password in a URL",
      { http: "http://user:hunter2@a.org/" },
      "a URL without a user and a password, as whatever tells of the check would show them",
    ],
    ["a file", { http: "file:///etc/passwd" }, "a URL that begins with http://"],
    ["no scheme", { http: "a.org/healthz" }, "a URL that begins with http://"],
    ["a status beyond 599", { http: "http://a.org/", status: 600 }, "an HTTP status from 100 to 599"],
    ["a status as text", { http: "http://a.org/", status: "200" }, "an HTTP status from 100 to 599"],
    ["a key it has not", { http: "http://a.org/", retries: 3 }, 'Unrecognized key: "retries"'],
  ])("may not have %s", (_, check, message) => {
    expect(healthCheck.safeParse(check).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

describe("a manifest", () => {
  test("is taken as the flake gives it, with or without a kexec installer of its own", () => {
    expect(manifest.parse({ web: webManifest })).toEqual({ web: webManifest });
    expect(manifest.safeParse({ web: { ...webManifest, kexecTarball: null } }).success).toBe(true);
  });

  test.each<[string, object, string]>([
    ["a path outside the store", { toplevel: { drvPath: "/tmp/a.drv", out: "/tmp/a" } }, "toplevel.drvPath"],
    [
      "a path below a store path",
      { toplevel: { ...webManifest.toplevel, out: `${webManifest.toplevel.out}/bin` } },
      "toplevel.out",
    ],
    ["another system", { system: "x86_64-darwin" }, "system"],
    ["port 0", { ports: { tcp: [0], udp: [] } }, "ports.tcp.0"],
    ["port 65536", { ports: { tcp: [], udp: [65536] } }, "ports.udp.0"],
    ["a key from a later time", { snapshots: [] }, ""],
  ])("may not have %s", (_, changes, path) => {
    const parsed = manifest.safeParse({ web: { ...webManifest, ...changes } });
    expect(parsed.error?.issues[0]?.path.join(".")).toBe(path === "" ? "web" : `web.${path}`);
  });
});
