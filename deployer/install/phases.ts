/** nixos-anywhere's phases in their order. Each is a run of its own, with a deadline of its own. */
export const phases = ["kexec", "disko", "install", "reboot"] as const;
export type Phase = (typeof phases)[number];

/** What a phase does, in people's words. */
export const phaseWords: Record<Phase, string> = {
  kexec: "boot the installer",
  disko: "lay out the disk",
  install: "copy and install the system",
  reboot: "restart",
};

/** A phase and those after it. */
export const phasesFrom = (first: Phase): Phase[] => phases.slice(phases.indexOf(first));
