import { X509Certificate } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ZoneSpec } from "../../../lab/cloud/driver.ts";
import { driverInfo } from "../../../lab/machines/client.ts";
import { newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { impossible, TestLab } from "./support.ts";
import { tracesOf } from "./whole-lab.ts";

const hostKey = newKeyPair("host");

let lab: TestLab;
let remote: Remote;
let address: string;
let dns: { ipv4: string; ipv6: string };

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  dns = (await driverInfo(lab.folder)).dns;
  remote = await lab.serve(1, hostKey);
  address = remote.address;
}, 600_000);

afterAll(async () => await lab?.dispose());

/** A zone with some records, as the cloud exports it. */
function zone(name: string, records: string[], serial = 1): ZoneSpec {
  const head = [
    `$ORIGIN ${name}.`,
    "$TTL 3600",
    `@ IN SOA hydrogen.ns.hetzner.com. dns.hetzner.com. ${serial} 86400 10800 3600000 3600`,
    "@ IN NS hydrogen.ns.hetzner.com.",
  ];
  return { name, text: `${[...head, ...records].join("\n")}\n` };
}

function resolver(server = dns.ipv4): Resolver {
  const asking = new Resolver({ timeout: 10_000, tries: 2 });
  asking.setServers([server.includes(":") ? `[${server}]` : server]);
  return asking;
}

/** Addresses of a name, or why there are none. */
const lookUp = (name: string, server?: string) =>
  resolver(server)
    .resolve4(name)
    .catch((error: NodeJS.ErrnoException) => error.code);

describe("names", () => {
  test("a zone is answered, over both address families", async () => {
    await lab.driver.setZones([zone("berth.test", ["www IN A 192.0.2.1", "*.app IN A 192.0.2.2"])]);
    expect(await lookUp("www.berth.test")).toEqual(["192.0.2.1"]);
    expect(await lookUp("any.app.berth.test", dns.ipv6)).toEqual(["192.0.2.2"]);
  });

  test("records of every kind come through", async () => {
    const records = [
      '@ IN CAA 0 issue "letsencrypt.org"',
      '@ IN TXT "v=spf1 -all"',
      "@ IN MX 10 mail",
      "mail IN AAAA 2001:db8::1",
      "_sip._tcp IN SRV 1 2 5060 mail",
      "alias IN CNAME mail",
      "@ IN HTTPS 1 . alpn=h2",
    ];
    await lab.driver.setZones([zone("berth.test", records)]);
    const asking = resolver();
    expect(await asking.resolveCaa("berth.test")).toMatchObject([{ critical: 0, issue: "letsencrypt.org" }]);
    expect(await asking.resolveTxt("berth.test")).toEqual([["v=spf1 -all"]]);
    expect(await asking.resolveMx("berth.test")).toMatchObject([
      { priority: 10, exchange: "mail.berth.test" },
    ]);
    expect(await asking.resolve6("alias.berth.test")).toEqual(["2001:db8::1"]);
    expect((await asking.resolveSrv("_sip._tcp.berth.test"))[0]?.port).toBe(5060);
  });

  test("a new list replaces the old one whole, whatever the serials say", async () => {
    await lab.driver.setZones([zone("berth.test", ["www IN A 192.0.2.1"], 7), zone("other.test", [])]);
    await lab.driver.setZones([zone("berth.test", ["app IN A 192.0.2.3"], 7), zone("new.test", [])]);
    expect(await lookUp("app.berth.test")).toEqual(["192.0.2.3"]);
    expect(await lookUp("www.berth.test")).toBe("ENOTFOUND");
    expect(await resolver().resolveNs("new.test")).toEqual(["hydrogen.ns.hetzner.com"]);
    expect(
      await resolver()
        .resolveNs("other.test")
        .catch((error: NodeJS.ErrnoException) => error.code),
    ).toBe("ENOTFOUND");
  });

  test("no question goes unanswered while zones are replaced", async () => {
    const kept = zone("berth.test", ["www IN A 192.0.2.1"]);
    await lab.driver.setZones([kept]);
    let asking = true;
    const wrong: unknown[] = [];
    const storm = (async () => {
      let asked = 0;
      for (; asking; asked++) {
        const answer = await lookUp("www.berth.test");
        if (String(answer) !== "192.0.2.1") wrong.push(answer);
      }
      return asked;
    })();
    for (const name of ["a.test", "b.test", "c.test"]) await lab.driver.setZones([kept, zone(name, [])]);
    asking = false;
    expect(await storm).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test("a zone that cannot be served is refused with its line, and what was served is served on", async () => {
    await lab.driver.setZones([zone("berth.test", ["www IN A 192.0.2.1"])]);
    const wrong = zone("wrong.test", ["www IN A 192.0.2.999"]);
    await expect(lab.driver.setZones([zone("berth.test", []), wrong])).rejects.toThrow(
      "zone wrong.test cannot be served: line 5: invalid IPv4 address",
    );
    expect(await lookUp("www.berth.test")).toEqual(["192.0.2.1"]);
  });

  test("a server finds the zones by its own resolver, and is told at once that other names do not exist", async () => {
    await lab.driver.setZones([zone("berth.test", ["www IN A 192.0.2.1"])]);
    expect(await remote.run("getent ahostsv4 www.berth.test | head -n 1")).toContain("192.0.2.1");
    expect(await remote.run("getent hosts nowhere.example || echo none")).toBe("none");
    // An answer that there is none, not the end of waiting for one.
    expect(await remote.run("kdig +noall +header @185.12.64.1 nowhere.example")).toContain("NXDOMAIN");
    expect(await remote.run("kdig +short @185.12.64.2 www.berth.test")).toBe("192.0.2.1");
  });
});

describe("certificates", () => {
  /** lego on the server, as a host runs it. */
  async function lego(name: string, ...more: string[]): Promise<string> {
    const access = await lab.driver.acme();
    if (!access) throw new Error("there is no ACME server");
    const ca = Buffer.from(access.root).toString("base64");
    await remote.run(`echo ${ca} | base64 -d >/root/acme-ca.pem`);
    const args = [
      ...["--server", access.directory, "--email", "ada@berth.test", "--accept-tos", "--path /root/lego"],
      ...["--domains", `'${name}'`, ...more, "run"],
    ];
    await remote.run(`LEGO_CA_CERTIFICATES=/root/acme-ca.pem lego ${args.join(" ")} 2>&1`);
    return await remote.run(`cat '/root/lego/certificates/${name.replace("*", "_")}.crt'`);
  }

  test("a server gets one for a name of a served zone by HTTP-01, and it serves under the published root", async () => {
    await lab.driver.setZones([zone("berth.test", [`www IN A ${address}`])]);
    const chain = await lego("www.berth.test", "--http");
    expect(new X509Certificate(chain).subjectAltName).toBe("DNS:www.berth.test");
    await remote.run(
      "cd /root/lego/certificates && systemd-run --quiet --unit=tls --working-directory=$PWD " +
        "openssl s_server -accept 8443 -cert www.berth.test.crt -cert_chain www.berth.test.issuer.crt -key www.berth.test.key -www",
    );
    const roots = join(lab.folder, "acme-root.pem");
    const ca = await readFile(roots, "utf8");
    expect((await stat(roots)).mode & 0o777).toBe(0o644);
    await expect.poll(() => verified(ca), { timeout: 30_000 }).toBe("trusted");
  });

  function verified(ca: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect({ host: address, port: 8443, servername: "www.berth.test", ca }, () => {
      resolve("trusted");
      socket.destroy();
    });
    socket.on("error", (error) => resolve(error.message));
    return promise;
  }

  test("the challenge passes the server's firewall like anybody: with port 80 closed there is none", async () => {
    await lab.driver.setZones([zone("berth.test", [`closed IN A ${address}`])]);
    const ssh = { direction: "in", protocol: "tcp", port: "22", networks: ["0.0.0.0/0"] } as const;
    await lab.driver.setFirewalls([{ id: 1, rules: [{ ...ssh, networks: [...ssh.networks] }] }]);
    try {
      await expect(lego("closed.berth.test", "--http")).rejects.toThrow(/exit 1/);
    } finally {
      await lab.driver.setFirewalls([]);
    }
  });

  test("a name that leads elsewhere gets none", async () => {
    await lab.driver.setZones([zone("berth.test", ["elsewhere IN A 192.0.2.1"])]);
    await expect(lego("elsewhere.berth.test", "--http")).rejects.toThrow(/exit 1/);
  });

  test("nothing of it is left after a reset", async () => {
    await lab.driver.acme();
    await lab.purge();
    expect(await tracesOf(lab)).toEqual([]);
    await expect(stat(join(lab.folder, "acme-root.pem"))).rejects.toThrow("ENOENT");
  });
});
