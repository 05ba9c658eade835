import type { Observation } from "../../../../deployer/remote/scripts.ts";
import type { SshSession } from "../../../../deployer/ssh/session.ts";

/** The system that a host ran, and the release that comes. */
export const old = `/nix/store/${"b".repeat(32)}-nixos-system-web-1`;
export const release = `/nix/store/${"a".repeat(32)}-nixos-system-web-2`;

/** A host before the trial: it runs the old system. */
export const earlier: Observation & { current: string } = {
  os: "nixos",
  variant: "",
  machine: "x86_64",
  bootId: "boot-1",
  current: old,
  booted: old,
  profile: old,
  boots: null,
  pendingReboot: [],
  marker: "{}",
  held: null,
  failed: [],
  trial: { state: "none", exitCode: null, log: "" },
  state: "running",
  restarts: {},
};

/** A host whose switch to the release has ended well. */
export const switched: Observation = {
  ...earlier,
  current: release,
  trial: { state: "pending", exitCode: 0, log: "" },
};

/** How that host is reached. */
export const target = {
  stack: "prod",
  host: "web1",
  address: "203.0.113.7",
  port: 22,
  user: "root",
  hostKeys: [],
};

/** An ssh session of which no more is used than these parts. */
export const playedSession = (parts: Partial<SshSession>): SshSession => parts as SshSession;
