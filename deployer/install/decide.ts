import { jsonOrUndefined } from "../json.ts";
import { unfitDisks } from "./disks.ts";
import { keepDisks } from "./erase.ts";
import {
  type InstallDecision,
  type Marker,
  marker,
  type Refusal,
  reinstallToken,
  reinstallValue,
  type TargetFacts,
  type Wanted,
} from "./facts.ts";

/** What a rule looks at. */
export interface Case {
  facts: TargetFacts;
  wanted: Wanted;
  /** The marker as read. */
  found: Marker | "unreadable" | null;
}

/** One row of the decision table: the first rule that fits has the answer. */
export interface Rule {
  /** What was found, for people; the documentation's table is made of these. */
  found: string;
  answer: InstallDecision["do"];
  /** The answer; undefined where the rule does not fit. */
  decide(of: Case): InstallDecision | undefined;
}

const when =
  (fits: (of: Case) => boolean, answer: (of: Case) => InstallDecision): Rule["decide"] =>
  (of) =>
    fits(of) ? answer(of) : undefined;

/** Operating systems that Hetzner's base images and rescue system are; anything else was put there by someone. */
const baseSystems = new Set(["debian", "ubuntu", "fedora", "rocky", "almalinux", "centos", "opensuse-leap"]);

/** Bytes of memory that the kexec installer and its disk script need; a machine sold with 1.5 GB shows a little less. */
const kexecMemory = 1.4e9;

const inInstaller = ({ os, variant }: TargetFacts) => os === "nixos" && variant === "installer";
const isOurs = ({ found, wanted: { marker: ours } }: Case) => {
  const theirs = readable(found);
  return theirs !== null && theirs.stack === ours.stack && theirs.host === ours.host;
};
const readable = (found: Case["found"]): Marker | null => (found === "unreadable" ? null : found);
const word = ({ wanted }: Case, name: string) => `berth:hosts.${wanted.marker.host}.${name}`;
const refuse = (because: string, next: string): Refusal => ({ do: "refuse", because, next });
const again = "and run pulumi up again";

const anew =
  "boot the machine into a base image or the NixOS installer, and set its hostKey in the configuration to the one that it then shows (berth trust)";

function named({ stack, host, server }: Marker): string {
  return `${host} of stack ${stack} (server ${server})`;
}

const installedAs = ({ found, wanted }: Case) => {
  const theirs = readable(found);
  return `it was installed as ${theirs ? named(theirs) : "something else"}, wanted is ${named(wanted.marker)}`;
};

/** Whether the installer that runs was booted by the reinstall that is wanted. */
function bootedByReinstall({ facts, wanted }: Case): boolean {
  const value = reinstallValue(wanted);
  return (
    facts.identity === "lasting" &&
    inInstaller(facts) &&
    value !== undefined &&
    facts.bootedBy.includes(reinstallToken(wanted.marker, value))
  );
}

const architecture = (system: string) => system.replace(/-linux$/, "");

function lackingMemory({ facts, wanted }: Case): Refusal | undefined {
  const has = `${(facts.memory / 1e9).toFixed(1)} GB of memory`;
  const larger = wanted.ordered ? "order a larger server type" : "use a machine with more memory";
  const { memory } = wanted.requires;
  // What firmware and kernel take is not counted by the system, but by whoever sells it.
  if (memory !== null && facts.memory < memory * 0.9e9) {
    return refuse(`it has ${has}, and the flake's system requires ${memory} GB`, larger);
  }
  if (!inInstaller(facts) && facts.memory < kexecMemory) {
    return refuse(
      `it has ${has}, and the installer, which runs in memory, needs 1.5 GB`,
      wanted.ordered ? larger : `${larger}, or boot it into a NixOS installer by other means`,
    );
  }
  return undefined;
}

function lackingDisks({ facts, wanted }: Case): Refusal | undefined {
  const { disks } = facts;
  if (disks === null) return refuse("nobody has looked at its disks", "run pulumi up again");
  const why =
    (wanted.ordered ? undefined : keepDisks(disks, wanted.erase, wanted.marker.host)) ??
    unfitDisks(disks, wanted.requires.disk);
  return why && refuse(why.because, why.next);
}

/** Everything that can be found, and the answer to it. Rules from "another architecture" on are reached by what would be wiped alone. */
export const rules: readonly Rule[] = [
  {
    found: "a marker that cannot be read",
    answer: "refuse",
    decide: when(
      ({ found }) => found === "unreadable",
      ({ wanted }) =>
        refuse(
          "its /etc/berth/install.json is not one of ours",
          wanted.ordered ? "replace the server" : "find out who installed the machine",
        ),
    ),
  },
  {
    found: "a marker of another stack or host",
    answer: "refuse",
    decide: when(
      (of) => of.found !== null && !isOurs(of),
      (of) =>
        refuse(
          installedAs(of),
          "a host belongs to one stack: replace the server, or destroy it in the other stack first",
        ),
    ),
  },
  {
    found: "a marker of this stack and host, but the host key from before the installation",
    answer: "refuse",
    decide: when(
      ({ found, facts }) => found !== null && facts.identity === "bootstrap",
      () =>
        refuse(
          "it has this host's /etc/berth/install.json, but answers with the host key from before the installation",
          "find out who put that file there; without it the host is taken for what it runs",
        ),
    ),
  },
  {
    found: "a marker of another server, which `adopt` names",
    answer: "adopt",
    decide: when(
      ({ found, wanted }) => {
        const theirs = readable(found);
        return theirs !== null && theirs.server !== wanted.marker.server && theirs.server === wanted.adopt;
      },
      () => ({ do: "adopt", rewrite: true }),
    ),
  },
  {
    found: "a marker of another server",
    answer: "refuse",
    decide: when(
      ({ found, wanted }) => readable(found)?.server !== wanted.marker.server && found !== null,
      (of) =>
        refuse(
          installedAs(of),
          `if this is that server's restored snapshot, set ${word(of, "adopt")} to "${readable(of.found)?.server}" ${again}`,
        ),
    ),
  },
  {
    found: "our marker, and no reinstall is wanted that it has not had",
    answer: "adopt",
    decide: when(
      ({ found, wanted }) => {
        const value = reinstallValue(wanted);
        return found !== null && (value === undefined || value === readable(found)?.reinstall);
      },
      () => ({ do: "adopt", rewrite: false }),
    ),
  },
  {
    found: "our marker on an installer, and a reinstall is wanted",
    answer: "refuse",
    decide: when(
      ({ found, facts }) => found !== null && inInstaller(facts),
      () => refuse("an installer runs with the marker of an installed system", "restart the machine"),
    ),
  },
  {
    found: "the lasting key without a marker, but for the installer that the wanted reinstall has booted",
    answer: "refuse",
    decide: when(
      (of) => of.found === null && of.facts.identity === "lasting" && !bootedByReinstall(of),
      ({ facts, wanted }) =>
        inInstaller(facts)
          ? refuse(
              "an installer runs with the installed system's key, and no reinstall of this stack has booted it",
              "restart the machine, so that the installed system is back",
            )
          : refuse(
              "the host answers with the installed system's key but has no /etc/berth/install.json",
              `if the host is this stack's, write ${JSON.stringify(wanted.marker)} into that file ${again}; else ${wanted.ordered ? "replace the server" : anew}`,
            ),
    ),
  },
  {
    found: "no marker under the bootstrap key, and `adopt` is set",
    answer: "refuse",
    decide: when(
      ({ found, facts, wanted }) => found === null && facts.identity === "bootstrap" && wanted.adopt !== null,
      (of) =>
        refuse(
          `${word(of, "adopt")} says that it is the restored snapshot of server ${of.wanted.adopt}, and it is not`,
          `rebuild the server from that snapshot, or remove ${word(of, "adopt")} to install it anew, ${again}`,
        ),
    ),
  },
  {
    found: "a NixOS that this stack did not install",
    answer: "refuse",
    decide: when(
      ({ found, facts }) => found === null && facts.os === "nixos" && !inInstaller(facts),
      ({ wanted }) =>
        refuse(
          "the host runs a NixOS that this stack did not install",
          wanted.ordered ? "replace the server to install anew" : `to install anew, ${anew}`,
        ),
    ),
  },
  {
    found: "anything else that is neither a base image nor the installer",
    answer: "refuse",
    decide: when(
      ({ found, facts }) => found === null && !inInstaller(facts) && !baseSystems.has(facts.os),
      ({ facts, wanted }) =>
        refuse(
          `the host runs "${facts.os}", not a base image`,
          wanted.ordered ? "order the server with a base image such as debian-13" : anew,
        ),
    ),
  },
  {
    found: "another architecture than the system's",
    answer: "refuse",
    decide: when(
      ({ facts, wanted }) => facts.machine !== architecture(wanted.system),
      ({ facts, wanted }) =>
        refuse(
          `it is a ${facts.machine} machine, and the flake's system is for ${wanted.system}`,
          wanted.ordered
            ? `order a server type of the architecture ${architecture(wanted.system)}`
            : "name a system of the machine's architecture",
        ),
    ),
  },
  {
    found: "too little memory",
    answer: "refuse",
    decide: lackingMemory,
  },
  {
    found: "disks that are not those meant, too small, volumes, or on another's machine not named by `erase`",
    answer: "refuse",
    decide: lackingDisks,
  },
  {
    found: "our marker, and a reinstall of this server is wanted by a value it has not had",
    answer: "reinstall",
    decide: when(
      ({ found }) => found !== null,
      () => ({ do: "reinstall" }),
    ),
  },
  {
    found: "the installer, under the bootstrap key or booted by the wanted reinstall",
    answer: "resume",
    decide: when(
      ({ facts }) => inInstaller(facts),
      ({ facts }) => ({ do: "resume", from: facts.next }),
    ),
  },
  {
    found: "a base image or the rescue system, under the bootstrap key",
    answer: "install",
    decide: () => ({ do: "install" }),
  },
];

/** The rule that answers, and its answer. */
export function ruleFor(facts: TargetFacts, wanted: Wanted): { rule: Rule; decision: InstallDecision } {
  const of: Case = { facts, wanted, found: read(facts.marker) };
  for (const rule of rules) {
    const decision = rule.decide(of);
    if (decision) return { rule, decision };
  }
  throw new Error("the last rule fits everything");
}

/**
 * May the target's disk be wiped? Every answer that wipes needs the bootstrap key of a server that this stack has just ordered, or, on
 * a machine that was ordered elsewhere, the name of every disk, or the word that reinstalls this very server by a value it has not had.
 */
export const decideInstall = (facts: TargetFacts, wanted: Wanted): InstallDecision =>
  ruleFor(facts, wanted).decision;

function read(text: string | null): Case["found"] {
  if (text === null) return null;
  const parsed = marker.safeParse(jsonOrUndefined(text));
  return parsed.success ? parsed.data : "unreadable";
}
