import { describe, expect, test } from "vitest";
import { host } from "../../../../config/host.ts";
import { existing, flake, plan, type Raw, refusals, withHost } from "../samples.ts";

const web1 = "berth:hosts.web1";
const metal = (changes: Raw) => ({ existing: { ...existing.existing, ...changes } });
const onMetal = (changes: Raw, more: Raw = {}) => withHost({ server: undefined, ...metal(changes), ...more });
const word = { server: "4711", value: "new layout" };

describe("the words of an installation", () => {
  test.each<[string, Raw, string, RegExp]>([
    [
      "to wipe and to keep at once",
      withHost({ reinstall: word, adopt: "4710" }),
      `${web1}.adopt`,
      /"4710" keeps what is on the disk, and berth:hosts\.web1\.reinstall wipes it; take one of the two away/,
    ],
    [
      "for a snapshot that nobody can take",
      onMetal({}, { reinstall: word }),
      `${web1}.reinstall.snapshot`,
      /there is no API that takes a snapshot of it; back it up by hand and set it to false/,
    ],
    [
      "for a way through the machine itself",
      onMetal({ jump: { address: existing.existing.address, hostKey: existing.existing.hostKey } }),
      `${web1}.existing.jump.address`,
      /is the machine itself; name the one on the way, or leave jump out/,
    ],
    [
      "for a server without its quotes",
      withHost({ reinstall: { server: 4711, value: "x" } }),
      `${web1}.reinstall.server`,
      /the server's id, in quotes/,
    ],
    [
      "without a value",
      withHost({ reinstall: { server: "4711", value: "" } }),
      `${web1}.reinstall.value`,
      /a text of 1 to 200 characters/,
    ],
    [
      "for a user who is an option",
      onMetal({ user: "-oProxyCommand=x" }),
      `${web1}.existing.user`,
      /a user's name/,
    ],
    [
      "for a jump host without a key",
      onMetal({ jump: { address: "198.51.100.1", hostKey: "ssh-rsa AAAA" } }),
      `${web1}.existing.jump.hostKey`,
      /an ed25519 host key/,
    ],
  ])("%s are refused", (_, raw, path, message) => {
    expect(refusals(raw)).toContainEqual(
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    );
  });

  test("for an installer that a machine without a way out cannot fetch are refused", () => {
    const problems = refusals(onMetal({ offline: true }), { manifest: flake({ kexecTarball: null }) });
    expect(problems).toContainEqual(
      expect.objectContaining({
        path: `${web1}.existing.offline`,
        message: expect.stringMatching(/kexecTarball is null: the installer would be downloaded/),
      }),
    );
  });

  test.each<[string, Raw]>([
    ["to reinstall a server", withHost({ reinstall: word })],
    [
      "to reinstall another's machine without a snapshot",
      onMetal({}, { reinstall: { ...word, snapshot: false } }),
    ],
    ["to adopt a snapshot", withHost({ adopt: "4710" })],
    [
      "for another way in",
      onMetal({
        ...{ user: "admin", offline: true },
        jump: { address: "198.51.100.1", user: "ada", hostKey: existing.existing.hostKey },
      }),
    ],
  ])("%s are fine", (_, raw) => {
    expect(plan(raw).hosts.map(({ name }) => name)).toEqual(["web1"]);
  });

  test("ask for a snapshot where nothing else is said", () => {
    expect(host.shape.reinstall.parse(word)).toEqual({ ...word, snapshot: true });
  });
});
