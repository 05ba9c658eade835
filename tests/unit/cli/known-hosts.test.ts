import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { knownHosts, knownHostsLines, withSection } from "../../../cli/known-hosts.ts";
import { sampleStack } from "./samples.ts";

describe("lines of known_hosts", () => {
  test("name a host by its alias, its addresses and its domain, with the port where it is not 22, and drop the key's comment", () => {
    expect(knownHostsLines(sampleStack)).toBe(
      [
        "berth-prod-web1,203.0.113.7,2001:db8::7,example.org ssh-ed25519 AAAAweb1",
        "berth-prod-metal,[2001:db8::9]:2222 ssh-ed25519 AAAAmetal",
        "",
      ].join("\n"),
    );
  });

  test("have the ssh that unlocks a disk as one of its own, which its port tells apart", () => {
    const { web1 } = sampleStack.hosts;
    if (!web1) throw new Error("the sample has no web1");
    const unlock = { port: 2222, hostKey: "ssh-ed25519 AAAAunlock unlock web1", passphrase: "web1-disk" };
    expect(knownHostsLines({ ...sampleStack, hosts: { web1: { ...web1, unlock } } })).toBe(
      [
        "berth-prod-web1,203.0.113.7,2001:db8::7,example.org ssh-ed25519 AAAAweb1",
        "[203.0.113.7]:2222,[2001:db8::7]:2222,[example.org]:2222 ssh-ed25519 AAAAunlock",
        "",
      ].join("\n"),
    );
  });
});

describe("a file with a stack's section", () => {
  const stacks = fc.constantFrom("prod", "prod2", "dev", "a");
  const lines = fc
    .array(fc.stringMatching(/^[a-z0-9.,]{1,12} ssh-ed25519 [A-Za-z0-9]{4}$/))
    .map((all) => all.map((line) => `${line}\n`).join(""));
  const others = fc.oneof(
    lines,
    lines.map((text) => text.trimEnd()),
    fc.constant("# a comment\n\n"),
  );

  test("keeps every other line, has the stack's lines once, and those of the last writing", () => {
    fc.assert(
      fc.property(others, stacks, lines, lines, (file, stack, first, second) => {
        const once = withSection(file, stack, first);
        const twice = withSection(once, stack, second);
        expect(twice).toBe(withSection(file, stack, second));
        expect(once.startsWith(file)).toBe(true);
        expect(withSection(twice, stack, second)).toBe(twice);
      }),
    );
  });

  test("is that of other stacks, too", () => {
    fc.assert(
      fc.property(stacks, stacks, lines, lines, lines, (one, other, first, second, third) => {
        fc.pre(one !== other);
        const both = withSection(withSection("", one, first), other, second);
        expect(withSection(both, one, third)).toBe(withSection(withSection("", one, third), other, second));
      }),
    );
  });
});

describe("writing them to a file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-known-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("makes it for its owner alone, and keeps what somebody else has in it", async () => {
    const file = join(folder, "known_hosts");
    await knownHosts(sampleStack, { write: file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, `github.com ssh-ed25519 AAAA\n${readFileSync(file, "utf8")}last ssh-ed25519 AAAA\n`);
    await knownHosts({ ...sampleStack, hosts: {} }, { write: file });
    expect(readFileSync(file, "utf8")).toBe(
      "github.com ssh-ed25519 AAAA\n# berth: hosts of stack prod\n# berth: end of stack prod\nlast ssh-ed25519 AAAA\n",
    );
  });

  test("follows a link, which stays one", async () => {
    const file = join(folder, "real");
    writeFileSync(file, "");
    chmodSync(file, 0o644);
    symlinkSync(file, join(folder, "link"));
    await knownHosts(sampleStack, { write: join(folder, "link") });
    expect(readFileSync(file, "utf8")).toContain("berth-prod-web1");
    expect(readFileSync(join(folder, "link"), "utf8")).toBe(readFileSync(file, "utf8"));
  });
});
