import type { RunEvent } from "../../deployer/runs/events.ts";

/** Kinds of work on a host. A picture has a colour for each; `wait` is no work. */
export const phaseKinds = {
  install: "installation",
  wait: "waiting for its turn",
  prepare: "preparing",
  build: "building",
  copy: "copying",
  switch: "switching",
  check: "checking",
  keep: "keeping",
  back: "going back",
} as const;
export type PhaseKind = keyof typeof phaseKinds;

/** A stretch of work on a host. Seconds count from the beginning of the update. */
export interface Phase {
  kind: PhaseKind;
  name: string;
  from: number;
  to: number;
  /** What was told of it, in order. */
  steps: string[];
  /** The record ends in it. */
  cutOff?: true;
}

/** What a step of a release is, by how it begins. One that is not among them is told in its own words. */
const known: readonly [RegExp, PhaseKind, string?][] = [
  [/^waiting for its turn/, "wait", "wait for its turn"],
  [/^(fetching \d+ paths|copying \d+ paths|pushing what was built)/, "copy", "copy"],
  [
    /^(building|fetching|sending what it is built|copying what it is built|[\d.]+ MB fetched)/,
    "build",
    "build",
  ],
  [/^preparing/, "prepare", "prepare"],
  [/^running what goes before/, "prepare", "before the switch"],
  [/^switching on trial/, "switch", "switch"],
  [/^restarting what uses/, "switch", "take new secrets"],
  [/^(rebooting|waiting for the boot)/, "switch", "reboot"],
  [/^(checking its health|looking at it)/, "check", "check"],
  [/^healthy; it has to stay/, "check", "watch"],
  [/^(confirming|keeping)/, "keep", "keep"],
  [/^(rolling back|returning to|it does not answer)/, "back", "roll back"],
];

/** What a step is, and its name in few words. Pure. */
export function phaseOf(step: string): { kind: PhaseKind; name: string } {
  const [, kind = "prepare", name = step.slice(0, 40)] = known.find(([begins]) => begins.test(step)) ?? [];
  return { kind, name };
}

/** What an installation tells when another part of it begins; nixos-anywhere's own lines, which it tells as well, belong to that. */
const installPart = /^(phase \w+: |waiting for the installed system)/;

/** "lay out the disk" of "phase disko: lay out the disk". */
const installName = (step: string): string => step.replace(/^phase \w+: /, "").slice(0, 60);

/**
 * A host's work in stretches: steps of the same kind after one another are one. Pure.
 * @param events of this host, in order
 * @param secondsOf when something was, in seconds since the beginning of the update
 * @param end of the record, in those
 */
export function phasesOf(
  events: readonly RunEvent[],
  secondsOf: (event: { at: string }) => number,
  end: number,
): Phase[] {
  const phases: Phase[] = [];
  let open: Phase | undefined;
  const close = (to: number) => {
    // What was over at once was told for its own sake: "installed".
    if (open && to > open.from) phases.push({ ...open, to });
    open = undefined;
  };
  const begin = (from: number, kind: PhaseKind, name: string, step?: string) => {
    if (open?.kind === kind && open.name === name) {
      if (step !== undefined) open.steps.push(step);
      return;
    }
    close(from);
    open = { kind, name, from, to: from, steps: step === undefined ? [] : [step] };
  };
  for (const event of events) {
    const at = secondsOf(event);
    if (event.event === "installing") {
      if (open?.kind === "install" && !installPart.test(event.step)) open.steps.push(event.step);
      else begin(at, "install", installName(event.step), event.step);
    }
    if (event.event === "begin") begin(at, "prepare", "connect");
    else if (event.event === "step") {
      const { kind, name } = phaseOf(event.step);
      begin(at, kind, name, event.step);
    } else if (event.event === "trial" && open?.kind === "wait") begin(at, "prepare", "begin the trial");
    else if (event.event === "installed" || event.event === "end") close(at);
  }
  if (open) phases.push({ ...open, to: Math.max(end, open.from), cutOff: true });
  return phases;
}
