import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FirewallPlan, firewallRules } from "../../components/firewall-rules.ts";

const everywhere = ["0.0.0.0/0", "::/0"];
const inbound = (protocol: string, port: string | undefined, sourceIps: string[], description: string) => ({
  direction: "in",
  protocol,
  ...(port === undefined ? {} : { port }),
  sourceIps,
  description,
});
const ssh = (sourceIps: string[]) => inbound("tcp", "22", sourceIps, "ssh");
const ping = inbound("icmp", undefined, everywhere, "ping");
const open = (protocol: string, port: string) => inbound(protocol, port, everywhere, "manifest");
const plan = (changes: Partial<FirewallPlan>): FirewallPlan => ({
  ports: { tcp: [], udp: [] },
  extra: [],
  sshFrom: [],
  ...changes,
});

describe("a host's rules", () => {
  test.each<[string, Partial<FirewallPlan>, unknown[], unknown[]]>([
    [
      "open the manifest's ports to all and ssh to those who may",
      { ports: { tcp: [443, 80], udp: [443] }, sshFrom: ["203.0.113.0/24", "2001:db8::/32"] },
      [ssh(["203.0.113.0/24", "2001:db8::/32"]), ping],
      [ping, open("tcp", "80"), open("tcp", "443"), open("udp", "443")],
    ],
    ["open ssh to all when nobody is named", {}, [ssh(everywhere), ping], [ping]],
    [
      "do not open ssh to all because the manifest lists port 22",
      { ports: { tcp: [22, 80], udp: [] }, sshFrom: ["203.0.113.0/24"] },
      [ssh(["203.0.113.0/24"]), ping],
      [ping, open("tcp", "80")],
    ],
    [
      "open port 22 for UDP, which is not ssh",
      { ports: { tcp: [], udp: [22] } },
      [ssh(everywhere), ping],
      [ping, open("udp", "22")],
    ],
    [
      "open a port once, in the order of numbers, however the manifest lists them",
      { ports: { tcp: [8080, 80, 8080, 443], udp: [] } },
      [ssh(everywhere), ping],
      [ping, open("tcp", "80"), open("tcp", "443"), open("tcp", "8080")],
    ],
    [
      "are followed by the configuration's own: in, out, of a range, from somewhere",
      {
        extra: [
          { direction: "in", protocol: "tcp", port: "8000-8010", networks: ["198.51.100.0/24"] },
          { direction: "in", protocol: "gre", networks: [], description: "tunnel" },
          { direction: "out", protocol: "udp", port: "53", networks: [] },
        ],
      },
      [ssh(everywhere), ping],
      [
        ping,
        inbound("tcp", "8000-8010", ["198.51.100.0/24"], "configuration"),
        inbound("gre", undefined, everywhere, "tunnel"),
        {
          direction: "out",
          protocol: "udp",
          port: "53",
          destinationIps: everywhere,
          description: "configuration",
        },
      ],
    ],
  ])("%s", (_, given, access, release) => {
    expect(firewallRules(plan(given))).toEqual({ ssh: access, release });
  });

  test("never leave a firewall without a rule, nor ssh in the hands of a release", () => {
    const ports = fc.array(fc.integer({ min: 1, max: 65_535 }));
    fc.assert(
      fc.property(ports, ports, (tcp, udp) => {
        const rules = firewallRules(plan({ ports: { tcp, udp }, sshFrom: ["203.0.113.0/24"] }));
        expect(rules.release.length).toBeGreaterThan(0);
        expect(rules.ssh).toEqual([ssh(["203.0.113.0/24"]), ping]);
        expect(rules.release.some(({ protocol, port }) => protocol === "tcp" && port === "22")).toBe(false);
        for (const port of tcp)
          if (port !== 22) expect(rules.release).toContainEqual(open("tcp", String(port)));
      }),
    );
  });
});
