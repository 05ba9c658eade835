import { expect, test } from "vitest";
import { type BootChoice, type BootFacts, chooseBoot } from "../../../../lab/machines/boot-choice.ts";

const empty: BootFacts = {
  handover: false,
  rescue: false,
  oneshot: null,
  loader: null,
  entries: {},
  debian: false,
  docker: false,
};
const init = (n: number) => `/nix/store/${"0".repeat(31)}${n}-nixos-system-web-1.0/init`;
const entry = (n: number) => `title NixOS\nversion ${n}\noptions init=${init(n)} loglevel=4\n`;
const installed: BootFacts = {
  ...empty,
  loader: "timeout 5\ndefault nixos-generation-2.conf\nconsole-mode keep\n",
  entries: { "nixos-generation-1.conf": entry(1), "nixos-generation-2.conf": entry(2) },
};
const generation = (n: number, oneshot: boolean, panic: number | null = null): BootChoice => ({
  boot: "installed",
  entry: `nixos-generation-${n}.conf`,
  init: init(n),
  oneshot,
  panic,
});
const withOptions = (options: string): BootFacts => ({
  ...installed,
  entries: { "nixos-generation-2.conf": `options init=${init(2)} ${options}\n` },
});
const nothing = (because: string): BootChoice => ({ boot: "nothing", because });

test.each<[string, BootFacts, BootChoice]>([
  [
    "an empty disk boots nothing",
    empty,
    nothing("the disk holds neither a boot loader (esp/loader/loader.conf) nor Debian"),
  ],
  [
    "a Debian disk that came with Docker boots it with that",
    { ...empty, debian: true, docker: true },
    { boot: "debian", docker: true },
  ],
  ["a Debian disk boots Debian", { ...empty, debian: true }, { boot: "debian", docker: false }],
  [
    "a handover wins over everything",
    { ...installed, debian: true, handover: true, rescue: true, oneshot: "nixos-generation-1.conf" },
    { boot: "installer" },
  ],
  [
    "the rescue system wins over the disk",
    { ...installed, debian: true, rescue: true, oneshot: "nixos-generation-1.conf" },
    { boot: "rescue" },
  ],
  ["the rescue system needs no disk", { ...empty, rescue: true }, { boot: "rescue" }],
  ["a boot loader wins over Debian", { ...installed, debian: true }, generation(2, false)],
  [
    "an entry asked for once wins over the default",
    { ...installed, oneshot: "nixos-generation-1.conf\n" },
    generation(1, true),
  ],
  ["an entry says how long a panic is shown", withOptions("panic=30 quiet"), generation(2, false, 30)],
  ["the last such word counts", withOptions("panic=30 panic=5"), generation(2, false, 5)],
  ["panic=0 is for ever, as in the kernel", withOptions("panic=0"), generation(2, false)],
  [
    "an entry asked for once that is missing leaves the default",
    { ...installed, oneshot: "nixos-generation-9.conf" },
    generation(2, false),
  ],
  [
    "a one-time entry without a boot loader boots nothing by itself",
    { ...empty, debian: true, oneshot: "nixos-generation-1.conf" },
    { boot: "debian", docker: false },
  ],
  [
    "a boot loader without a default boots nothing, not even Debian",
    { ...installed, debian: true, loader: "timeout 5\n" },
    nothing("esp/loader/loader.conf names no default entry"),
  ],
  [
    "a default that is missing boots nothing",
    { ...installed, loader: "default nixos-generation-3.conf" },
    nothing("esp/loader/loader.conf names nixos-generation-3.conf, which is not in esp/loader/entries"),
  ],
  [
    "the last of two defaults counts, as in systemd-boot",
    { ...installed, loader: "default nixos-generation-2.conf\ndefault nixos-generation-1.conf\n" },
    generation(1, false),
  ],
  [
    "an init outside the store boots nothing",
    { ...installed, entries: { "nixos-generation-2.conf": "options init=/bin/sh\n" } },
    nothing('esp/loader/entries/nixos-generation-2.conf has no "options init=/nix/store/<name>/init"'),
  ],
  [
    "an init that climbs out of the store boots nothing",
    { ...installed, entries: { "nixos-generation-2.conf": "options init=/nix/store/../../bin/init\n" } },
    nothing('esp/loader/entries/nixos-generation-2.conf has no "options init=/nix/store/<name>/init"'),
  ],
])("%s", (_, facts, expected) => {
  expect(chooseBoot(facts)).toEqual(expected);
});
