import { describe, expect, test } from "vitest";
import { type AdviceFacts, adviseOn } from "../../../config/advice.ts";
import { datedCatalogue } from "../../../config/catalogue.ts";
import { now, plan, server, withHosts, withServer } from "./samples.ts";

const facts = (raw = withServer()): AdviceFacts => ({
  stack: "prod",
  plan: plan(raw),
  catalogue: datedCatalogue,
  now,
});
/** As hcloud's older half says it, e.g. of servers, firewalls, volumes. */
const older = (message: string, code: string) => `1 error occurred:\n\t* ${message} (${code}, 7f3a0b)\n\n`;
/** As hcloud's newer half says it, e.g. of SSH keys, primary IPs, DNS. */
const newer = (message: string, code: string) =>
  `API request failed: An unexpected error was encountered during an API request.\n\n${message} (${code}, 7f3a0b)\n\nError code: ${code}\nStatus code: 403\n`;
/** As the newer half says that an action failed. */
const failedAction = (message: string, code: string) =>
  `Action failed: An API action for the resource failed.\n\n${message}\n\nError code: ${code}\nCommand: assign_primary_ip\nID: 4\nResources: server: 7`;

const advise = (error: string, resource = "web1-hardware-server", given = facts()) =>
  adviseOn({ resource, error }, given);

describe("advice on what Hetzner refuses", () => {
  test.each<[string, string, string, RegExp]>([
    [
      "server limit reached",
      "resource_limit_exceeded",
      "web1-hardware-server",
      /\(server limit reached\): delete what is not needed, or ask for more .*Limits/,
    ],
    [
      "Primary IP limit exceeded",
      "resource_limit_exceeded",
      "web1-hardware-ipv4",
      /\(Primary IP limit exceeded\)/,
    ],
    ["volume limit exceeded", "resource_limit_exceeded", "web1-volume-data", /\(volume limit exceeded\)/],
    [
      "name is already used",
      "uniqueness_error",
      "web1-hardware-ssh-firewall",
      /labelled berth-stack=prod and as new as the last update.* delete it\. If not, it is somebody else's/,
    ],
    [
      "rrset '@/CAA' already exists",
      "uniqueness_error",
      "example.org-records-@-CAA",
      /hcloud zone rrset delete example\.org @ CAA, and pulumi up makes it again\. If not, .*berth:dns/,
    ],
    [
      "rrset 'a-b.www/TXT' already exists",
      "uniqueness_error",
      "my-records-x.org-records-a-b.www-TXT",
      /rrset describe my-records-x\.org a-b\.www TXT\./,
    ],
    [
      "SSH key not unique",
      "uniqueness_error",
      "login-hetzner",
      /registered this ssh key .*: run pulumi up again/,
    ],
    [
      "limit of 3600 requests per hour reached",
      "rate_limit_exceeded",
      "web1-hardware-server",
      /room comes back at one a second: wait some minutes/,
    ],
    [
      "token is only allowed to perform GET requests",
      "token_readonly",
      "login-hetzner",
      /may only read: make one with read and write/,
    ],
    ["the token you have provided is invalid", "unauthorized", "login-hetzner", /not valid any more/],
    ["no space left in location", "no_space_left_in_location", "web1-volume-data", /no room for a volume/],
    ["deletion is protected", "protected", "web1-hardware-server", /berth:protect to false/],
    ["server is locked", "locked", "web1-hardware-server", /another action on it is under way/],
    ["internal error", "server_error", "web1-hardware-server", /status\.hetzner\.com/],
  ])("%s (%s) of %s", (message, code, resource, advice) => {
    for (const error of [older(message, code), newer(message, code)])
      expect(advise(error, resource)).toMatch(advice);
  });

  test("an action that failed is known by its code, too", () => {
    expect(advise(failedAction("server is locked", "locked"))).toMatch(/another action on it/);
  });

  test.each([
    "hcloud: server responded with status code 503",
    'Post "https://api.hetzner.cloud/v1/servers": dial tcp 1.2.3.4:443: connect: connection refused',
    'Post "https://api.hetzner.cloud/v1/servers": dial tcp: lookup api.hetzner.cloud: no such host',
    'Post "https://api.hetzner.cloud/v1/servers": EOF',
    'Get "https://api.hetzner.cloud/v1/actions?id=1": context deadline exceeded',
  ])("an API that is down: %s", (error) => {
    expect(advise(`1 error occurred:\n\t* ${error}\n\n`)).toMatch(
      /does not answer as it should; status\.hetzner\.com .* run pulumi up again, and it goes on from there$/,
    );
  });

  test("nothing is added to what is for whoever mends it", () => {
    expect(advise(older("invalid input in field 'name'", "invalid_input"))).toBeUndefined();
    expect(advise("something else went wrong (toString) (constructor, 7f3a)")).toBeUndefined();
  });
});

describe("what fits in place of a type that is sold out at the order", () => {
  const soldOut = older("error during placement", "resource_unavailable");

  test("is told the cheapest first, of the wanted location before others, without what was refused", () => {
    expect(advise(soldOut)).toMatch(
      /^cx23 is sold out in fsn1 at the moment\. What fits in its place: cx33 in fsn1 at 8\.49 EUR, cx43 in fsn1 at 15\.99 EUR, .* Set berth:hosts\.web1\.server, or try again later\./,
    );
    // The only type of its size elsewhere, after all of the location.
    expect(advise(soldOut)).not.toMatch(/cx23 in fsn1 at/);
  });

  test("is of the host's architecture and at least as big as what was asked for", () => {
    const arm = facts({ hosts: { pi: { system: "pi", ...server({ type: "cax11" }) } } });
    const fitting = /place: (.*)\. Set/.exec(advise(soldOut, "pi-hardware-server", arm) ?? "")?.[1];
    expect(fitting?.split(", ").map((offer) => offer.split(" ")[0])).toEqual([
      "cax21",
      "cax31",
      "cax41",
      "cax11",
    ]);
  });

  test("is of the right host, however alike the names are", () => {
    const two = facts(withHosts({ web: server({ type: "cx33" }), "web-1": server({ type: "ccx13" }) }));
    expect(advise(soldOut, "web-1-hardware-server", two)).toMatch(
      /^ccx13 is sold out .*berth:hosts\.web-1\.server/,
    );
    expect(advise(soldOut, "web-hardware-server", two)).toMatch(
      /^cx33 is sold out .*berth:hosts\.web\.server/,
    );
  });

  test("is told for the provider's own words of a type that is not sold there", () => {
    expect(
      advise(
        '1 error occurred:\n\t* Server Type "cx23" is unavailable in "fsn1" and can no longer be ordered\n\n',
      ),
    ).toMatch(/^cx23 is sold out/);
  });

  test("is asked of the group where a placement group is the reason", () => {
    const grouped = facts(withServer({ placement: "web" }));
    const full = older("error during placement", "placement_error");
    expect(advise(full, "web1-hardware-server", grouped)).toMatch(
      /no other machine .* placement group web .*server\.placement/,
    );
    expect(advise(full)).toMatch(/^cx23 is sold out/);
  });
});
