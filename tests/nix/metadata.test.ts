import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { asRoot, has, output, repository, rootSucceeds } from "./nix.ts";

// The rules of a Hetzner host, in network namespaces of their own: whoever is not root gets no user data.
const profile = join(repository, "nixos/profiles/hetzner");
const script = join(import.meta.dirname, "metadata/who-reaches-it.sh");

const tools = ["unshare", "nsenter", "setpriv", "ip", "curl"];

async function missing(firewall: readonly string[]): Promise<string | undefined> {
  if (!(await rootSucceeds("true"))) return "needs root, for network namespaces";
  for (const tool of [...tools, ...firewall]) {
    if (!(await rootSucceeds("sh", "-c", `command -v ${tool}`))) return `needs ${tool}`;
  }
  return undefined;
}

describe.each([
  ["nftables", "metadata.nft", ["nft"]],
  ["iptables", "metadata-iptables.sh", ["iptables", "ip6tables"]],
] as const)("with %s", (_, rules, firewall) => {
  test("root alone reaches the metadata service, a service and a container do not", async (ctx) => {
    const because = await missing(firewall);
    if (because) return ctx.skip(because);
    const [file = "", ...words] = [...asRoot, "unshare", "--net", "sh", script, join(profile, rules)];
    const told = await output(file, words, { deadline: 60_000 });
    const lines = (when: string) =>
      told
        .split("\n")
        .filter((line) => line.startsWith(when))
        .map((line) => line.slice(when.length + 2));
    expect(lines("open")).toEqual([
      "root reaches it",
      "root reaches it by IPv6",
      "a service reaches it",
      "a service reaches it by IPv6",
      "a container reaches it",
    ]);
    expect(lines("denied")).toEqual([
      "root reaches it",
      "root reaches it by IPv6",
      "a service does not reach it",
      "a service does not reach it by IPv6",
      "a container does not reach it",
    ]);
  });
});

test("shellcheck finds nothing in the rules of iptables and in what tries them", async (ctx) => {
  if (!(await has("shellcheck"))) return ctx.skip("needs shellcheck on PATH");
  await output("shellcheck", [join(profile, "metadata-iptables.sh"), script]);
});
