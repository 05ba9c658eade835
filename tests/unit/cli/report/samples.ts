import type { NewRunEvent, RunEvent } from "../../../../deployer/runs/events.ts";
import { closureEvent } from "../../../../deployer/runs/learnt.ts";

/** Updates as their records tell them. */

const began = Date.UTC(2026, 10, 22, 14, 3, 7);

/** What was told at which second. */
type Moment = [second: number, event: NewRunEvent];

export const recordOf = (moments: readonly Moment[]): RunEvent[] =>
  moments
    .toSorted(([one], [other]) => one - other)
    .map(([second, event]) => ({ at: new Date(began + second * 1_000).toISOString(), ...event }) as RunEvent);

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;
export const [old, wanted] = [path("a", "nixos-system-web-26.05"), path("b", "nixos-system-web-26.05")];

/** Name and megabytes, as in a system with a web app. */
const packages: [string, number][] = [
  ["linux-6.18.9-modules", 148],
  ["nodejs-24.21.0", 98],
  ["linux-firmware-20260912-zstd", 92],
  ["systemd-258.2", 61],
  ["glibc-2.42-51", 31.2],
  ["perl-5.42.0", 58],
  ["linux-6.18.9", 14.8],
  ["python3-3.13.9", 112],
  ["icu4c-76.1", 40.1],
  ["git-2.52.0", 46],
  ["nix-2.31.2", 24],
  ["boost-1.87.0", 17],
  ["gcc-15.2.0-lib", 10.2],
  ["openssl-3.6.0", 8.1],
  ["coreutils-full-9.8", 4.1],
  ["util-linux-2.41.2-bin", 7.2],
  ["bash-interactive-5.3p3", 7.9],
  ["openssh-10.2p1", 6.3],
  ["nginx-1.29.3", 2.6],
  ["caddy-2.10.2", 48.3],
  ["sqlite-3.50.4", 2.2],
  ["curl-8.17.0", 1.4],
  ["sudo-1.9.17p2", 4.8],
  ["glib-2.86.1", 9.4],
  ["dbus-1.14.10", 1.7],
  ["kmod-31", 0.6],
  ["iproute2-6.17.0", 3.9],
  ["nftables-1.1.5", 0.9],
  ["man-db-2.13.1", 3.1],
  ["shadow-4.18.0", 3.6],
  ["tzdata-2026b", 2.4],
  ["locale-archive", 3.2],
  ["xz-5.8.1", 0.9],
  ["zstd-1.5.7", 0.6],
  ["grub-2.12", 29.4],
  ["e2fsprogs-1.47.3-bin", 3.3],
  ["acl-2.3.2", 0.2],
  ["attr-2.5.2", 0.1],
  ["nixos-manual-html", 11.8],
  ["etc", 0.3],
  ["initrd-linux-6.18.9", 16.7],
  ["polkit-126", 1.5],
  ["nano-8.6", 2.5],
  ["vim-9.1.1869", 38.6],
  ["rsync-3.4.1", 0.8],
  ["lvm2-2.03.35", 5.2],
  ["dosfstools-4.2", 0.3],
  ["strace-6.17", 2.3],
];
const bytesOf = (megabytes: number) => Math.round(megabytes * 1e6);
const sameAs = packages.map(([name, megabytes], index) => ({
  path: path("cdfghijk"[index % 8] ?? "c", name),
  bytes: bytesOf(megabytes),
}));
const differ = (version: string, site: number) => [
  { path: path(version, `site-1.${version === "n" ? 8 : 7}.0`), bytes: bytesOf(site) },
  { path: path(version, "unit-site.service"), bytes: 2_304 },
  { path: path(version, `nodejs-24.${version === "n" ? 22 : 21}.0-slim`), bytes: bytesOf(71) },
];
const before = [
  ...sameAs,
  ...differ("p", 23.1),
  { path: path("p", "imagemagick-7.1.2"), bytes: 9_100_000 },
  { path: old, bytes: 41_000 },
];
const after = [
  ...sameAs,
  ...differ("n", 24.9),
  { path: path("n", "libvips-8.17.3"), bytes: 6_400_000 },
  { path: wanted, bytes: 41_200 },
];
const known = new Set(before.map((one) => one.path));

const closure = (host: string, isFirst = false): NewRunEvent =>
  closureEvent(host, wanted, {
    paths: after.map((one) => ({ ...one, shared: known.has(one.path) })),
    ...(isFirst ? {} : { beside: old, before }),
  });

const plan = (groups: string[][], maxUnavailable = 2): Moment => [
  0,
  {
    ...{ event: "plan", stack: "prod", groups, maxUnavailable },
    wanted: Object.fromEntries(groups.flat().map((host) => [host, wanted])),
  },
];

/** The beginning of a release, until the host is asked whether it may be on trial. */
const begins = (host: string, at: number): Moment[] => [
  [at, { event: "begin", host, wanted }],
  [at + 0.1, { event: "step", host, step: "building" }],
  [at + 1.1, { event: "step", host, step: "building site-1.8.0 (1 of 4)" }],
  [at + 6.9, closureMoment(host)],
  [at + 7, { event: "step", host, step: "preparing" }],
  [at + 7.6, { event: "lacks", host, paths: 5, bytes: 102_600_000 }],
  [at + 7.6, { event: "step", host, step: "copying 5 paths (102.6 MB)" }],
];
const closureMoment = (host: string): NewRunEvent => closure(host);

const look = (host: string, check: string, because?: string): NewRunEvent => ({
  ...{ event: "health", host, check, address: "203.0.113.7" },
  ...(because === undefined ? { healthy: true, took: 12 } : { healthy: false, because }),
});
const page = "https://www.example.org/healthz";

const trial = (host: string, at: number): Moment[] => [
  [at, { event: "trial", host }],
  [at, { event: "step", host, step: "switching on trial" }],
  [at + 2.4, { event: "step", host, step: "checking its health" }],
];

const isKept = (host: string, at: number): Moment[] => [
  ...trial(host, at),
  [at + 2.5, look(host, page, `GET ${page} answered 502, expected 200 (Bad Gateway)`)],
  [at + 2.8, look(host, page)],
  [at + 2.9, look(host, "TCP port 25")],
  [at + 2.9, { event: "step", host, step: "looking at it over a new connection" }],
  [at + 3.1, { event: "step", host, step: "confirming" }],
  [at + 3.6, { event: "judged", host, healthy: true }],
  [at + 3.6, { event: "verdict", host }],
  [at + 3.7, { event: "end", host, outcome: "switched", before: old, after: wanted }],
];

const journal = `Nov 22 14:03:31 web4 node[2711]: listening on /run/site/b.sock
Nov 22 14:03:32 web4 node[2711]: Error: relation "orders" does not exist
Nov 22 14:03:32 web4 node[2711]:     at query (/nix/store/${"n".repeat(32)}-site-1.8.0/server/db.js:41:11)
Nov 22 14:03:32 web4 systemd[1]: site@b.service: Main process exited, code=exited, status=1/FAILURE
Nov 22 14:03:32 web4 systemd[1]: site@b.service: Failed with result 'exit-code'.`;

const isRolledBack = (host: string, at: number): Moment[] => {
  const reason = "these units failed: site@b.service";
  const bad = `GET ${page} answered 500, expected 200 (relation "orders" does not exist)`;
  return [
    ...trial(host, at),
    [at + 2.5, look(host, page, `GET ${page} answered 502, expected 200 (Bad Gateway)`)],
    ...[3, 4, 5, 6, 7, 8].map((second): Moment => [at + second, look(host, page, bad)]),
    [
      at + 8.2,
      {
        event: "judged",
        host,
        healthy: false,
        because: reason,
        units: [{ unit: "site@b.service", journal }],
      },
    ],
    [at + 8.2, { event: "step", host, step: "rolling back" }],
    [at + 10.6, { event: "verdict", host }],
    [
      at + 10.7,
      {
        ...{ event: "end", host, outcome: "rolled back", before: old, after: old, because: reason },
        failure: {
          tried: "the new system did not become healthy",
          cameBack: `${reason}\nsite@b.service:\n  ${journal.replaceAll("\n", "\n  ")}`,
          stands: `Rolled back to ${old}; the host was read back and runs it`,
          next: "fix the release and run pulumi up again",
        },
      },
    ],
  ];
};

const unreachable = "ssh: connect to host 203.0.113.3 port 22: No route to host";

const summary = (
  at: number,
  exitCode: number,
  results: Extract<NewRunEvent, { event: "summary" }>["results"],
): Moment => [at, { event: "summary", exitCode, results }];

export const oneHost = recordOf([
  plan([["web1"]]),
  ...begins("web1", 0.4),
  ...isKept("web1", 12),
  summary(17, 0, [{ host: "web1", outcome: "switched", before: old, after: wanted, wanted, seconds: 15.3 }]),
]);

/** Several hosts, two on trial at a time: web3 is dead, and web4 has to be rolled back. */
function manyHosts(count: number): RunEvent[] {
  const names = Array.from({ length: count }, (_, index) => `web${index + 1}`);
  const well = names.filter((host) => host !== "web3" && host !== "web4");
  return recordOf([
    plan([["web1"], names.slice(1)]),
    ...begins("web1", 0.3),
    ...isKept("web1", 11),
    ...names.slice(1).flatMap((host) => (host === "web3" ? [] : begins(host, 15))),
    [15, { event: "begin", host: "web3", wanted }],
    [
      105,
      {
        ...{ event: "end", host: "web3", outcome: "not reached", because: unreachable },
        failure: {
          ...{ tried: "open an ssh connection", cameBack: unreachable, stands: "Nothing was changed" },
          next: "check that the host is up and its firewall lets this machine in, then run pulumi up again",
        },
      },
    ],
    ...names
      .slice(1)
      .flatMap((host, index): Moment[] =>
        ["web2", "web3", "web4"].includes(host)
          ? []
          : [[25.5 + index / 20, { event: "step", host, step: "waiting for its turn: web2, web4 on trial" }]],
      ),
    ...isRolledBack("web4", 26),
    ...well.slice(1).flatMap((host, index) => isKept(host, 26 + index * 5.5)),
    summary(
      106,
      255,
      names.map((host) => {
        if (host === "web3")
          return { host, outcome: "not reached", wanted, seconds: 90, because: unreachable };
        if (host === "web4")
          return {
            ...{ host, outcome: "rolled back", before: old, after: old, wanted, seconds: 21.7 },
            because: "these units failed: site@b.service",
          };
        return { host, outcome: "switched", before: old, after: wanted, wanted, seconds: 18.4 };
      }),
    ),
  ]);
}
export const fiveHosts = manyHosts(5);
export const tenHosts = manyHosts(10);

/** One host that had to be rolled back. */
export const sentBack = recordOf([plan([["web4"]]), ...begins("web4", 0.3), ...isRolledBack("web4", 12)]);

const installs: [number, string][] = [
  [1, "building the system, looking at the host"],
  [38, "phase kexec: boot the installer"],
  [91, "phase disko: lay out the disk"],
  [93, "Formatting hard drive with disko"],
  [104, "phase install: copy and install the system"],
  [171, "phase reboot: restart"],
  [176, "waiting for the installed system"],
  [203, "installed"],
];
/** A server that was just ordered. */
export const anInstall = recordOf([
  plan([["web1", "web2"]]),
  ...installs.map(([at, step]): Moment => [at, { event: "installing", host: "web1", step }]),
  [203, { event: "installed", host: "web1" }],
  [204, { event: "begin", host: "web1", wanted }],
  [204.1, closure("web1", true)],
  [204.2, { event: "step", host: "web1", step: "preparing" }],
  [204.5, { event: "step", host: "web1", step: "checking its health" }],
  [204.6, look("web1", page)],
  [204.8, { event: "end", host: "web1", outcome: "verified", before: wanted, after: wanted }],
  [1.2, { event: "installing", host: "web2", step: "building the system, looking at the host" }],
  [
    44,
    {
      ...{ event: "installed", host: "web2" },
      failure: {
        tried: "install NixOS",
        cameBack: 'refused, the host runs "arch", not a base image',
        ...{
          stands: "The disk was not touched",
          next: "order the server with a base image such as debian-13",
        },
      },
    },
  ],
  summary(206, 255, [
    { host: "web1", outcome: "verified", before: wanted, after: wanted, wanted, seconds: 0.8 },
    { host: "web2", outcome: "not started", wanted, because: "what it needs did not come about: see above" },
  ]),
]);

/** Somebody has ended it in the middle of a copy. */
export const cutOff = recordOf([
  plan([["web1"], ["web2"]]),
  ...begins("web1", 0.4),
  [9.5, { event: "step", host: "web1", step: "copying 5 paths (102.6 MB)" }],
]);

export const nothingToDo = recordOf([
  plan([["web1", "web2"]]),
  summary(
    3,
    0,
    ["web1", "web2"].map((host) => ({ host, outcome: "unchanged", before: wanted, after: wanted, wanted })),
  ),
]);

export const samples = { oneHost, fiveHosts, tenHosts, anInstall, cutOff, nothingToDo };
