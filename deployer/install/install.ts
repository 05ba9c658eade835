import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Failure, messageOf } from "../failure.ts";
import { build } from "../nix/build.ts";
import { builderTarget, buildOnBuilder } from "../nix/builder.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { remote } from "../remote/scripts.ts";
import { SshSession } from "../ssh/session.ts";
import { decideInstall } from "./decide.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallDecision, Wanted } from "./facts.ts";
import { InstallLock, Settled } from "./lock.ts";
import type { InstallLog } from "./log.ts";
import { type Contact, describe, inspect, look } from "./look.ts";
import { type Phase, phasesFrom, phaseWords } from "./phases.ts";
import { notesOf } from "./progress.ts";
import { beginReinstall, withoutVolumes, withVolumes } from "./reinstall.ts";
import { runInInstaller, runKexec } from "./run-phase.ts";
import { awaitInstalled } from "./verify.ts";

/** Install a host, or find that it is installed, or refuse. Ends within the document's deadline, either way. */
export async function install(document: InstallDocument, log: InstallLog): Promise<void> {
  await new Installer(document, log).run();
}

/** Of a document, what decides. */
export const wantedBy = (document: InstallDocument): Wanted => {
  const { marker, ordered, erase, reinstall, adopt, system, requires } = document;
  return { marker, ordered, erase, reinstall, adopt, system, requires };
};

class Installer {
  readonly #document: InstallDocument;
  readonly #log: InstallLog;
  readonly #end: number;
  readonly #late = new AbortController();
  #folder = "";
  #contact: Contact | undefined;
  #lock: InstallLock | undefined;

  constructor(document: InstallDocument, log: InstallLog) {
    this.#document = document;
    this.#log = log;
    this.#end = Date.now() + document.deadline * 1_000;
  }

  async run(): Promise<void> {
    this.#folder = await privateFolder();
    const late = setTimeout(() => this.#late.abort(this.#tooLate()), this.#document.deadline * 1_000);
    try {
      this.#log.say("building the system, looking at the host");
      // A server that has just been ordered takes as long to boot as an app takes to build. Neither changes anything.
      this.#contact = await sideBySide(
        (signal) => look(this.#document, this.#within("look"), signal),
        (signal) => buildAll(this.#document, this.#left(), this.#log, signal),
      );
      const decision = await this.#holdAndDecide();
      if (decision.do === "adopt") return await this.#adopt(decision.rewrite);
      if (decision.do === "reinstall")
        await beginReinstall(this.#host, this.#document, this.#log, this.#late.signal);
      const begin = decision.do === "resume" ? decision.from : "kexec";
      if (decision.do === "resume")
        this.#log.say(`an earlier installation did not end; it goes on at ${begin} (${phaseWords[begin]})`);

      for (const phase of phasesFrom(begin)) {
        if (phase !== begin) await this.#stand(phase);
        if (phase !== "reboot") await this.#phase(phase);
      }
      await withVolumes(this.#document, this.#log, this.#late.signal);
      await this.#restarted(await this.#phase("reboot").catch((error: unknown) => error));
      this.#log.say("installed");
    } finally {
      clearTimeout(late);
      this.#lock?.release();
      await this.#contact?.session.close();
      await removePrivateFolder(this.#folder);
    }
  }

  get #host(): SshSession {
    if (!this.#contact) throw new Error("the host was not reached yet");
    return this.#contact.session;
  }

  /** Milliseconds until everything has to be done. */
  #left(): number {
    return Math.max(1_000, this.#end - Date.now());
  }

  /** Milliseconds for one of the waits. */
  #within(wait: keyof InstallDocument["deadlines"]): number {
    return Math.min(this.#left(), this.#document.deadlines[wait] * 1_000);
  }

  #tooLate(): Failure {
    const { target, deadline } = this.#document;
    return new Failure({
      host: `${target.host} (${target.address})`,
      tried: "install NixOS",
      cameBack: `it was not done within ${deadline} s; the last that was begun is "${this.#log.phase}"`,
      next: `the whole log is in ${this.#log.file}; run pulumi up again: it looks at the host and goes on from there`,
    });
  }

  /** What may be done to the host that was looked at. Throws the refusal. */
  #decide(): Exclude<InstallDecision, { do: "refuse" }> {
    if (!this.#contact) throw new Error("the host was not looked at yet");
    const { facts, seen, session } = this.#contact;
    const decision = decideInstall(facts, wantedBy(this.#document));
    const memory = `${(facts.memory / 1e9).toFixed(1)} GB of memory`;
    this.#log.keep(
      `${session.label} answers with the ${facts.identity} key, runs ${describe(seen)} on ${facts.machine} (${seen.firmware}, ${memory}): ${decision.do}`,
    );
    if (decision.do !== "refuse") return decision;
    throw new Settled({
      host: session.label,
      tried: "install NixOS",
      cameBack: `refused, ${decision.because}`,
      stands: "The disk was not touched",
      next: decision.next,
    });
  }

  async #adopt(rewrite: boolean): Promise<void> {
    const { marker, adopt } = this.#document;
    if (rewrite) {
      const was = JSON.parse(this.#contact?.facts.marker ?? "{}") as { reinstall?: string };
      const text = JSON.stringify({
        ...marker,
        ...(was.reinstall === undefined ? {} : { reinstall: was.reinstall }),
      });
      await remote(this.#host, "mark", { text }, { deadline: 30_000 });
      this.#log.say(`took over from server ${adopt}: its marker now names server ${marker.server}`);
    }
    await withVolumes(this.#document, this.#log, this.#late.signal);
    this.#log.say("installed already; nothing to do");
  }

  /** What is to be done, decided while nobody else is at work on the host. One that is about to restart is looked at once more. */
  async #holdAndDecide(): Promise<Exclude<InstallDecision, { do: "refuse" }>> {
    for (let tries = 1; ; tries++) {
      const first = this.#decide();
      if (first.do === "adopt") return first;
      try {
        await this.#hold();
        return this.#decide();
      } catch (error) {
        if (error instanceof Settled || tries >= 3) throw error;
        this.#log.keep(messageOf(error));
        await this.#contact?.session.close();
        this.#contact = await look(this.#document, this.#within("look"), this.#late.signal);
      }
    }
  }

  /** Be the only one at work on the host, and see again what is there. */
  async #hold(): Promise<void> {
    this.#lock?.release();
    const { stack } = this.#document.target;
    this.#lock = await InstallLock.take(this.#host, stack, (line) => this.#log.say(line));
    await this.#lookAgain();
  }

  /** See what runs on the host by now, over the connection there is. */
  async #lookAgain(): Promise<void> {
    if (!this.#contact) return;
    const { session, facts } = this.#contact;
    this.#contact = { ...this.#contact, ...(await inspect(session, this.#document, facts.identity)) };
  }

  async #phase(phase: Phase): Promise<void> {
    if (phase === "disko" || phase === "install") await this.#settle();
    if (phase === "disko") await this.#withoutVolumes();
    this.#log.say(`phase ${phase}: ${phaseWords[phase]}`);
    await this.#run(phase);
    const notes = notesOf(this.#document);
    if (phase === "disko") await this.#note("formatted", notes.formatted);
    if (phase === "install") await this.#note("installed", notes.installed);
  }

  #note(id: "formatted" | "installed", text: string) {
    return remote(this.#host, "note", { id, text }, { deadline: 30_000, fresh: true });
  }

  /** The host itself says where it stands; a phase begins only where it belongs. */
  async #stand(phase: Phase): Promise<void> {
    if (phase === "disko") {
      await this.#contact?.session.close();
      this.#contact = await look(this.#document, this.#within("kexec"), this.#late.signal);
      await this.#hold();
    } else {
      await this.#lookAgain();
    }
    const decision = this.#decide();
    if (decision.do === "resume" && decision.from === phase) return;
    const { session, seen } = this.#contact ?? {};
    throw new Failure({
      host: session?.label ?? this.#document.target.host,
      tried: `go on with the phase ${phase} (${phaseWords[phase]})`,
      cameBack: `the host runs ${seen ? describe(seen) : "something else"} and stands at ${decision.do === "resume" ? `the phase ${decision.from}` : decision.do}`,
      next: "see who else is at work on the host, then run pulumi up again: it looks at the host and goes on from there",
    });
  }

  /** Nothing of an earlier run is at work on the disk. */
  #settle() {
    const { diskoScript } = this.#document;
    return remote(this.#host, "settle", { path: [diskoScript.out] }, { deadline: 30_000 });
  }

  /** No volume can be taken for the disk. */
  async #withoutVolumes(): Promise<void> {
    const volumes = this.#contact?.facts.disks?.volumes ?? [];
    await withoutVolumes(this.#host, this.#document, volumes, this.#log, this.#late.signal);
    if (volumes.length === 0) return;
    await this.#lookAgain();
    this.#decide();
  }

  async #run(phase: Phase): Promise<void> {
    const folder = join(this.#folder, phase);
    await mkdir(folder);
    const { signal } = this.#late;
    const run = {
      ...{ document: this.#document, log: this.#log, lock: this.#lock, folder, signal },
      hostKey: this.#contact?.hostKey ?? "",
      deadline: this.#within(phase),
    };
    if (phase !== "kexec") return runInInstaller(phase, run);
    await runKexec(run);
    this.#lock?.release();
  }

  /** nixos-anywhere never sees a system that is back too soon: whether the new one is there is what counts. */
  async #restarted(phaseFailed: unknown): Promise<void> {
    const { signal } = this.#late;
    const boot = Math.min(
      this.#within("boot"),
      phaseFailed === undefined ? Number.POSITIVE_INFINITY : 120_000,
    );
    const within = { boot, network: this.#within("network") };
    if (phaseFailed !== undefined) this.#log.keep(messageOf(phaseFailed));
    this.#log.say("waiting for the installed system");
    try {
      await awaitInstalled(this.#document, this.#log, within, signal);
    } catch (error) {
      throw phaseFailed === undefined || signal.aborted ? error : phaseFailed;
    }
  }
}

/** Do both and give the first one's answer. When one fails the other is stopped, and has cleaned up before the error goes on. */
async function sideBySide<T>(
  first: (signal: AbortSignal) => Promise<T>,
  second: (signal: AbortSignal) => Promise<unknown>,
): Promise<T> {
  const stop = new AbortController();
  const both = [first(stop.signal), second(stop.signal)] as const;
  try {
    const [answer] = await Promise.all(both);
    return answer;
  } finally {
    stop.abort();
    await Promise.allSettled(both);
  }
}

/** Everything is built before the host is touched. */
async function buildAll(
  document: InstallDocument,
  deadline: number,
  log: InstallLog,
  signal: AbortSignal,
): Promise<void> {
  const { target, builder } = document;
  const there = builder && (await SshSession.create(builderTarget(target.stack, builder, target.loginKey)));
  try {
    for (const what of ["toplevel", "diskoScript", "kexecTarball"] as const) {
      const derivation = document[what];
      const options = { deadline, signal, onLine: (line: string) => log.keep(line) };
      if (derivation && there) await buildOnBuilder(there, build, [what, derivation, options]);
      else if (derivation) await build(what, derivation, options);
    }
  } finally {
    await there?.close();
  }
}
