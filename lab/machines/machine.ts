import { setTimeout as sleep } from "node:timers/promises";
import type { MachineSpec, RescueSpec } from "../cloud/driver.ts";
import { Boot, EndedEarly, REBOOT_EXIT } from "./boot.ts";
import { type BootChoice, chooseBoot } from "./boot-choice.ts";
import type { ControlGroup } from "./cgroups.ts";
import { ConsoleLog } from "./console-log.ts";
import type { DiskSource, ImageRoot, MachineFolder, MachineOrder } from "./disk.ts";
import type { LabWiring } from "./network.ts";
import { type Attachments, pluggedAtBoot, replug } from "./plugged.ts";
import type { PrivateNetworks } from "./private-networks.ts";
import { lineOf } from "./run.ts";

/**
 * How long a machine stays unreachable before it boots again. A caller that polls must see it down: one whose first
 * packet is repeated into the reborn machine would never learn that it was gone.
 */
const DOWN_MS = 2_500;

/** A kernel whose init has died panics, and boots again where `panic=` says so: after how many seconds; null where it does not. */
const panicOf = (choice: BootChoice, code: number | null): number | null =>
  choice.boot === "installed" && code !== 0 && code !== REBOOT_EXIT ? choice.panic : null;

/** What a machine needs of its lab. */
export interface MachineHome {
  wiring: LabWiring;
  networks: PrivateNetworks;
  /** Tells what hangs on a server just now. */
  attachmentsOf: (server: number) => Promise<Attachments>;
  group: ControlGroup;
  /** Folder of the installer layer. */
  installer: string;
}

/** One server: its folder, and its supervisor while it has power. Calls must come one after the other. */
export class Machine {
  readonly folder: MachineFolder;
  readonly log: ConsoleLog;
  spec: MachineSpec;
  image: ImageRoot;
  readonly #home: MachineHome;
  #boot: Boot | null = null;
  #starting: Promise<void> = Promise.resolve();
  #replugging: Promise<void> = Promise.resolve();
  #reboot: { done: Promise<void>; cancel: AbortController } | null = null;
  #downSince = Number.NEGATIVE_INFINITY;

  constructor(home: MachineHome, folder: MachineFolder, order: MachineOrder) {
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
  async lay(spec: MachineSpec, source: DiskSource): Promise<void> {
    await this.stop();
    await this.folder.lay(spec, source);
    this.spec = spec;
    this.image = source;
  }

  /** Has the next boot load the rescue system, once. */
  async setRescue(rescue: RescueSpec | null): Promise<void> {
    await this.folder.setRescue(rescue);
  }

  /** Holds the machine still while `work` runs. */
  async frozen<T>(work: () => Promise<T>): Promise<T> {
    return this.#boot ? await this.#home.group.child(String(this.spec.id)).frozen(work) : await work();
  }

  /** Plugs and unplugs until the machine, if it runs, has what hangs on its server. */
  replug(): Promise<void> {
    this.#replugging = this.#replugging
      .catch(() => undefined)
      .then(() => this.#starting.catch(() => undefined))
      .then(() => this.#replugNow());
    return this.#replugging;
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

  async #replugNow(): Promise<void> {
    const boot = this.#boot;
    if (!boot) return;
    const { networks, group } = this.#home;
    const socket = {
      init: boot.init,
      folder: this.folder,
      group: group.child(String(this.spec.id)),
      networks,
    };
    await replug(socket, boot.plugged, await this.#home.attachmentsOf(this.spec.id)).catch(
      (error: unknown) => {
        // A machine that went down meanwhile finds everything at its next boot.
        if (this.#boot === boot) throw error;
      },
    );
  }

  async #powerOn(): Promise<void> {
    this.#starting = this.#powerOnNow();
    await this.#starting;
    // What changed while it booted.
    await this.replug();
  }

  async #powerOnNow(): Promise<void> {
    const choice = chooseBoot(await this.folder.facts());
    try {
      this.#boot = await this.#begin(choice);
    } catch (error) {
      if (error instanceof EndedEarly && panicOf(choice, error.code) !== null) {
        this.#wentDown(choice, error.code);
        return;
      }
      await this.#settle(`did not boot: ${lineOf(error)}`);
      throw new Error(`${this.title} did not boot: ${lineOf(error)}`);
    }
    const boot = this.#boot;
    void boot.ended.then((code) => {
      if (this.#boot !== boot) return;
      this.#boot = null;
      this.#wentDown(choice, code);
    });
  }

  async #begin(choice: BootChoice): Promise<Boot> {
    const { folder, spec, log } = this;
    if (choice.boot === "nothing") throw new Error(choice.because);
    const group = this.#home.group.child(String(spec.id));
    await group.destroy();
    await group.create();
    const plugged = pluggedAtBoot(await this.#home.attachmentsOf(spec.id));
    for (const { card } of plugged.cards) await this.#home.networks.bridge(card.network);
    await folder.prepare(spec, this.image, this.#home.installer, choice, plugged);
    await sleep(Math.max(0, this.#downSince + DOWN_MS - performance.now()));
    await log.note(
      `boots ${choice.boot}${choice.boot === "installed" ? ` (${choice.entry}): ${choice.init}` : ""}`,
    );
    await this.#home.wiring.open(spec);
    return await Boot.begin({ names: this.#home.wiring.names, group, folder, spec, choice, plugged, log });
  }

  /** The machine went down by itself. */
  #wentDown(choice: BootChoice, code: number | null): void {
    const cancel = new AbortController();
    const done = this.#afterEnd(choice, code, cancel.signal)
      .catch((error: unknown) => this.log.note(lineOf(error)))
      .finally(() => {
        if (this.#reboot?.done === done) this.#reboot = null;
      });
    this.#reboot = { done, cancel };
  }

  async #afterEnd(choice: BootChoice, code: number | null, cancelled: AbortSignal): Promise<void> {
    const how =
      code === 0 ? "powered off" : code === REBOOT_EXIT ? "reboots" : `died (exit ${code ?? "by a signal"})`;
    await this.#settle(how);
    const panic = panicOf(choice, code);
    if (code !== REBOOT_EXIT && panic === null) return;
    const down = code === REBOOT_EXIT ? DOWN_MS : Math.max(DOWN_MS, (panic ?? 0) * 1_000);
    await sleep(down, undefined, { signal: cancelled }).catch(() => undefined);
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
