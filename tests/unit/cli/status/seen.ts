import type { Told } from "../../../../cli/status/look.ts";

/** What a host of the stack "prod" on which nothing is wrong tells of itself. */
export const seenOn = (release: string, host = "web1"): Told["seen"] => ({
  os: "nixos",
  variant: "",
  machine: "x86_64",
  bootId: "boot",
  current: release,
  booted: release,
  profile: release,
  boots: null,
  pendingReboot: [],
  marker: JSON.stringify({ stack: "prod", host, server: "4711" }),
  held: null,
  failed: [],
  trial: { state: "none", exitCode: null, log: "" },
  state: "running",
  restarts: {},
});
