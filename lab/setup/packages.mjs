import { existsSync } from "node:fs";
import { osRelease } from "./facts.mjs";
import { onPath } from "./places.mjs";

/**
 * @typedef {object} DebianPackage
 * @property {string} why
 * @property {string} [program] a program that shows it is there; it may come from elsewhere
 * @property {string} [file] or a file
 * @property {boolean} [testsOnly] wanted by `npm test` alone
 * @property {boolean} [debianOnly] not among Ubuntu's packages: the tests that use it are skipped there, unless it came otherwise
 */

/** Debian and Ubuntu packages the lab and its tests use. The root helper installs nothing else. @type {Readonly<Record<string, DebianPackage>>} */
export const debianPackages = Object.freeze({
  "systemd-container": { why: "runs the lab's servers (systemd-nspawn)", program: "systemd-nspawn" },
  nftables: { why: "enforces the cloud's firewalls", program: "nft" },
  iproute2: { why: "the lab's network namespace and bridge", program: "ip" },
  mmdebstrap: { why: "makes the servers' Debian image and the private copy of Nix", program: "mmdebstrap" },
  "debian-archive-keyring": {
    why: "verifies the packages of that image",
    file: "/usr/share/keyrings/debian-archive-keyring.gpg",
  },
  patchelf: { why: "lets the private copy of Nix find its libraries", program: "patchelf" },
  zstd: { why: "unpacks Debian packages", program: "zstd" },
  "openssh-client": { why: "reaches the servers", program: "ssh" },
  "hcloud-cli": { why: "a real client for the simulated cloud", program: "hcloud", testsOnly: true },
  "python3-pip": {
    why: "fetches the Python client, another real one",
    file: "/usr/lib/python3/dist-packages/pip/__init__.py",
    testsOnly: true,
  },
  iptables: { why: "the other firewall that a host may have", program: "iptables", testsOnly: true },
  "btrfs-progs": { why: "makes a disk that a rescue system reads", program: "mkfs.btrfs", testsOnly: true },
  chromium: {
    why: "shows the pages that Berth writes",
    program: "chromium",
    testsOnly: true,
    debianOnly: true,
  },
  shellcheck: { why: "checks the scripts that run on servers", program: "shellcheck", testsOnly: true },
});

/**
 * The packages that are not there.
 * @param {{ tests: boolean }} wanted
 * @param {(entry: DebianPackage) => boolean} isThere
 * @param {string | undefined} system ID of os-release
 */
export function missingPackages(wanted, isThere = found, system = osRelease()["ID"]) {
  return Object.entries(debianPackages)
    .filter(([, entry]) => wanted.tests || !entry.testsOnly)
    .filter(([, entry]) => system === "debian" || !entry.debianOnly)
    .filter(([, entry]) => !isThere(entry))
    .map(([name]) => name);
}

/** @param {DebianPackage} entry */
function found(entry) {
  return entry.program ? onPath(entry.program) !== undefined : existsSync(entry.file ?? "");
}
