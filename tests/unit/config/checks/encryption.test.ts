import { describe, expect, test } from "vitest";
import { encryption, flake, plan, type Raw, refusals, withHost } from "../samples.ts";

const at = "berth:hosts.web1.disk";
const word = { disk: { passphrase: "web1-disk" } };
/** A stack of one host with these words and these secrets. */
const stack = (host: Raw, secrets: Raw = {}) => withHost(host, { secrets });
const encrypted = { manifest: flake({ encryption }) };

describe("an encrypted disk", () => {
  test("is accepted with a passphrase, which is then no secret that nobody uses", () => {
    const { hosts, notes } = plan(stack(word, { "web1-disk": "correct horse\n" }), encrypted);
    expect(hosts[0]?.settings.disk).toEqual(word.disk);
    expect(notes).toEqual([]);
  });

  test.each<[string, Raw, Raw, Parameters<typeof refusals>[1], [string, string]]>([
    [
      "has no passphrase",
      {},
      {},
      encrypted,
      [
        `${at}.passphrase`,
        "is missing; the flake's berth.hosts.web.encryption wants a passphrase for the disk: name the secret here",
      ],
    ],
    [
      "names a secret that there is not",
      word,
      { other: "o" },
      encrypted,
      [`${at}.passphrase`, 'there is no secret "web1-disk" under berth:secrets; there are other'],
    ],
    [
      "has a passphrase that would be cut at its first line's end",
      word,
      { "web1-disk": "correct\nhorse" },
      encrypted,
      [`${at}.passphrase`, 'the secret "web1-disk" has several lines, and a locked disk reads one'],
    ],
    [
      "has a passphrase of a line's end alone",
      word,
      { "web1-disk": "\n" },
      encrypted,
      [`${at}.passphrase`, 'the secret "web1-disk" is empty'],
    ],
    [
      "has a passphrase that is too long to be typed",
      word,
      { "web1-disk": "é".repeat(257) },
      encrypted,
      [`${at}.passphrase`, 'the secret "web1-disk" has 514 bytes, and 512 is the most'],
    ],
    [
      "is none, and has a passphrase",
      word,
      { "web1-disk": "correct horse" },
      {},
      [
        at,
        "the flake's berth.hosts.web.encryption is not there: the disk would not be encrypted; import disk-luks in the flake, or take this out",
      ],
    ],
  ])("is refused when it %s", (_, host, secrets, input, expected) => {
    expect(refusals(stack(host, secrets), input).map(({ path, message }) => [path, message])).toEqual([
      expected,
    ]);
  });
});

test("an encrypted host may have a reboot told", () => {
  const wanted = stack({ ...word, reboot: { when: "told" } }, { "web1-disk": "correct horse" });
  expect(plan(wanted, encrypted).hosts[0]?.settings.reboot).toEqual({ when: "told" });
});

test.each<[string, Raw, Parameters<typeof refusals>[1], string[]]>([
  [
    "an encrypted host may not be rebooted by an update, which would wait for its passphrase",
    { reboot: { when: "now" } },
    encrypted,
    [
      "its disk is encrypted, so a reboot ends where the passphrase is asked for: reboot it yourself, then berth unlock web1",
    ],
  ],
  [
    "not in a window either",
    { reboot: { window: "Sun 03:00" } },
    encrypted,
    [
      "its disk is encrypted, so a reboot ends where the passphrase is asked for: reboot it yourself, then berth unlock web1",
    ],
  ],
])("%s", (_, host, given, messages) => {
  const refused = refusals(stack({ ...word, ...host }, { "web1-disk": "correct horse" }), given);
  expect(refused.map(({ path, message }) => [path, message])).toEqual(
    messages.map((message) => ["berth:hosts.web1.reboot", message]),
  );
});
