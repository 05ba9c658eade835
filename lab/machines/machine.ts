import { setTimeout as sleep } from "node:timers/promises";
import type { MachineSpec } from "../cloud/driver.ts";
import { Boot, REBOOT_EXIT } from "./boot.ts";
import { chooseBoot } from "./boot-choice.ts";
import type { ControlGroup } from "./cgroups.ts";
import { ConsoleLog } from "./console-log.ts";
import type { MachineFolder } from "./disk.ts";
import type { LabWiring } from "./network.ts";
import { lineOf } from "./run.ts";

/**
 * How long a machine stays unreachable before it boots again. A caller that polls must see it down: one whose first
 * packet is repeated into the reborn machine would never learn that it was gone.
 */
const DOWN_MS = 2_500;

/** What a machine needs of its lab. */
export interface MachineHome {
  wiring: LabWiring;
  group: ControlGroup;
  /** Folder of the installer layer. */
  installer: string;
}

/** One server: its folder, and its supervisor while it has power. Calls must come one after the other. */
export class Machine {
  readonly folder: MachineFolder;
  readonly log: ConsoleLog;
  spec: MachineSpec;
  image: string;
  readonly #home: MachineHome;
  #boot: Boot | null = null;
  #reboot: { done: Promise<void>; cancel: AbortController } | null = null;
  #downSince = Number.NEGATIVE_INFINITY;

  constructor(home: MachineHome, folder: MachineFolder, order: { spec: MachineSpec; image: string }) {
    this.#home = home;
    this.folder = folder;
    this.log = new ConsoleLog(folder.in("console.log"));
    this.spec = order.spec;
    this.image = order.image;
  }

  /** "server 7 (web1)". */
  get title(): string {
    return `server ${this.spec.id} (${this.spec.name})`;
  }

  get running(): boolean {
    return this.#boot !== null || this.#reboot !== null;
  }

  /** What runs, and its init's process id here; null when off or between two boots. */
  get current(): { boot: string; init: number } | null {
    return this.#boot && { boot: this.#boot.choice.boot, init: this.#boot.init };
  }

  /** Lays the image on the disk anew. */
  async lay(spec: MachineSpec, image: string): Promise<void> {
    await this.stop();
    await this.folder.lay(spec, image);
    this.spec = spec;
    this.image = image;
  }

  /** Takes new addresses; the machine must be off. */
  async configure(spec: MachineSpec): Promise<void> {
    await this.folder.note(spec, this.image);
    this.spec = spec;
  }

  async start(): Promise<void> {
    if (!this.running) await this.#powerOn();
  }

  shutdown(): void {
    this.#boot?.pressPower();
  }

  async stop(): Promise<void> {
    this.#reboot?.cancel.abort();
    await this.#reboot?.done;
    const boot = this.#boot;
    if (!boot) return;
    this.#boot = null;
    await boot.cut();
    await this.#settle("power cut");
  }

  /** Resolves when the machine is off, or after `limitMs`; true when it went off. */
  async off(limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (this.running && performance.now() < deadline) await sleep(50);
    return !this.running;
  }

  async #powerOn(): Promise<void> {
    try {
      this.#boot = await this.#begin();
    } catch (error) {
      await this.#settle(`did not boot: ${lineOf(error)}`);
      throw new Error(`${this.title} did not boot: ${lineOf(error)}`);
    }
    const boot = this.#boot;
    void boot.ended.then((code) => this.#ended(boot, code));
  }

  async #begin(): Promise<Boot> {
    const { folder, spec, log } = this;
    const choice = chooseBoot(await folder.facts());
    if (choice.boot === "nothing") throw new Error(choice.because);
    const group = this.#home.group.child(String(spec.id));
    await group.destroy();
    await group.create();
    await folder.prepare(spec, this.image, this.#home.installer, choice);
    await sleep(Math.max(0, this.#downSince + DOWN_MS - performance.now()));
    await log.note(
      `boots ${choice.boot}${choice.boot === "installed" ? ` (${choice.entry}): ${choice.init}` : ""}`,
    );
    await this.#home.wiring.open(spec);
    return await Boot.begin({ names: this.#home.wiring.names, group, folder, spec, choice, log });
  }

  /** The machine went down by itself. */
  #ended(boot: Boot, code: number | null): void {
    if (this.#boot !== boot) return;
    this.#boot = null;
    const cancel = new AbortController();
    const done = this.#afterEnd(code, cancel.signal)
      .catch((error: unknown) => this.log.note(lineOf(error)))
      .finally(() => {
        this.#reboot = null;
      });
    this.#reboot = { done, cancel };
  }

  async #afterEnd(code: number | null, cancelled: AbortSignal): Promise<void> {
    const how =
      code === 0 ? "powered off" : code === REBOOT_EXIT ? "reboots" : `died (exit ${code ?? "by a signal"})`;
    await this.#settle(how);
    if (code !== REBOOT_EXIT) return;
    await sleep(DOWN_MS, undefined, { signal: cancelled }).catch(() => undefined);
    if (!cancelled.aborted) await this.#powerOn();
  }

  /** Everything that follows from a machine being down. */
  async #settle(how: string): Promise<void> {
    this.#downSince = performance.now();
    await this.log.note(how);
    await this.#home.wiring.close(this.spec);
    await this.#home.group.child(String(this.spec.id)).destroy();
  }
}
