import type { Told } from "../../../../cli/status/look.ts";

/** What a host on which nothing is wrong tells of itself. */
export const seenOn = (release: string): Told["seen"] => ({
  os: "nixos",
  variant: "",
  machine: "x86_64",
  bootId: "boot",
  current: release,
  booted: release,
  profile: release,
  pendingReboot: [],
  marker: "{}",
  held: null,
  failed: [],
  trial: { state: "none", exitCode: null, log: "" },
  state: "running",
  restarts: {},
});
