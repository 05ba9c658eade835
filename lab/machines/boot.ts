import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { MachineSpec } from "../cloud/driver.ts";
import type { ControlGroup } from "./cgroups.ts";
import type { ConsoleLog } from "./console-log.ts";
import type { MachineFolder } from "./disk.ts";
import { type LabNames, portName, privateBridgeName, privatePortName } from "./names.ts";
import { nspawnArguments, type RealBoot, rootLayers } from "./nspawn.ts";
import type { Plugged } from "./plugged.ts";
import { waitFor } from "./waiting.ts";

/** systemd-nspawn's exit when the machine asked for a reboot. */
export const REBOOT_EXIT = 133;

/** How long it may take until a machine's init runs. */
const INIT_LIMIT_MS = 60_000;

/** systemd's signal for "power button pressed": SIGRTMIN+4 of glibc. */
const POWER_BUTTON = 34 + 4;

/** What a boot needs of its machine and its lab. */
export interface BootPlan {
  names: LabNames;
  group: ControlGroup;
  folder: MachineFolder;
  spec: MachineSpec;
  choice: RealBoot;
  plugged: Plugged;
  log: ConsoleLog;
}

/** A machine ended before its init was seen to run. */
export class EndedEarly extends Error {
  /** systemd-nspawn's; null when it was killed. */
  readonly code: number | null;

  constructor(message: string, code: number | null) {
    super(message);
    this.code = code;
  }
}

/** A machine between power on and power off. */
export class Boot {
  readonly choice: RealBoot;
  /** What is plugged in just now. */
  readonly plugged: Plugged;
  /** The machine's init, as this machine numbers it. */
  readonly init: number;
  /** Resolves with systemd-nspawn's exit code; null when it was killed. */
  readonly ended: Promise<number | null>;
  readonly #nspawn: number;

  private constructor(
    { choice, plugged }: BootPlan,
    { nspawn, init }: Processes,
    ended: Promise<number | null>,
  ) {
    this.choice = choice;
    this.plugged = plugged;
    this.#nspawn = nspawn;
    this.init = init;
    this.ended = ended;
  }

  /** Starts the machine; resolves when its init runs. */
  static async begin(plan: BootPlan): Promise<Boot> {
    const child = execa("setpriv", ["--pdeathsig", "KILL", ...namespaced(plan)], {
      cwd: plan.folder.path,
      env: environment(plan),
      extendEnv: false,
      stdin: "ignore",
      buffer: false,
      reject: false,
      cleanup: false,
    });
    plan.log.follow(child.stdout);
    plan.log.follow(child.stderr);
    let over = false;
    const ended = child.then((result) => {
      over = true;
      return result.exitCode ?? null;
    });
    const { pid } = child;
    if (pid === undefined)
      throw new Error(`setpriv could not be started: ${(await child).shortMessage ?? "no reason"}`);
    const found = await waitFor(
      "the start of the machine's init",
      async () => (over ? "over" : await initBelow(pid)),
      INIT_LIMIT_MS,
    ).catch((error: unknown) => {
      child.kill("SIGKILL");
      throw error;
    });
    if (found !== "over") return new Boot(plan, found, ended);
    const last = (await plan.log.tail(1))[0] ?? "no output";
    const code = await ended;
    throw new EndedEarly(`it ended with exit ${code} before its init ran: ${last}`, code);
  }

  /** Presses the power button. */
  pressPower(): void {
    signal(this.init, POWER_BUTTON);
  }

  /** Cuts the power; resolves when no process is left. */
  async cut(): Promise<void> {
    // PID 1 of the machine's outer namespace: the kernel ends everything in it before this one is gone.
    signal(this.#nspawn, "SIGKILL");
    await this.ended;
  }
}

function signal(pid: number, name: NodeJS.Signals | number): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself just now.
  }
}

/** The namespaces of a machine; with the process that holds them, everything in them dies. */
function namespaced({ names, folder, spec, choice, plugged }: BootPlan): string[] {
  const name = `berth-${names.id}-${spec.id}`;
  return [
    ...["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child=KILL"],
    ...["--mount-proc", "sh", join(import.meta.dirname, "boot.sh")],
    ...nspawnArguments(name, folder.path, spec, choice, plugged),
  ];
}

function environment({ names, group, spec, choice, plugged }: BootPlan): Record<string, string> {
  const { lower, upper } = rootLayers(choice);
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    // Debian 13 boots with the unified hierarchy only, whatever this machine has.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
    CGROUPS: group.folders.join(" "),
    NETNS: names.namespacePath,
    BRIDGE: names.bridge,
    PORT: portName(spec.id),
    MAC: spec.mac,
    CARDS: plugged.cards
      .map(({ card, name }) =>
        [name, privatePortName(spec.id, card.network), privateBridgeName(card.network), card.mac].join(" "),
      )
      .join("\n"),
    LOWER: lower.join(":"),
    UPPER: upper ?? "",
  };
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").map(Number).filter(Boolean);
}

/** How deep in PID namespaces a process is, and whether it is the first of its own. */
async function namespacesOf(pid: number): Promise<number[]> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return (/^NSpid:\s+(.*)$/m.exec(status)?.[1] ?? "").split(/\s+/).map(Number);
}

/** Process ids of one boot, as this machine numbers them. */
interface Processes {
  nspawn: number;
  init: number;
}

/** Finds unshare -> systemd-nspawn -> init; null while the last has not been started. */
async function initBelow(unshare: number): Promise<Processes | null> {
  for (const nspawn of await childrenOf(unshare)) {
    const depth = (await namespacesOf(nspawn)).length;
    for (const init of await childrenOf(nspawn)) {
      const ids = await namespacesOf(init);
      const comm = await readFile(`/proc/${init}/comm`, "utf8").catch(() => "");
      // Until it becomes init, the first process of the machine still is systemd-nspawn.
      if (ids.length > depth && ids.at(-1) === 1 && comm && comm.trim() !== "systemd-nspawn")
        return { nspawn, init };
    }
  }
  return null;
}
