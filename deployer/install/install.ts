import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { build } from "../nix/build.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { remote } from "../remote/scripts.ts";
import { isIdentityMismatch, SshSession } from "../ssh/session.ts";
import { decideInstall } from "./decide.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallDecision, Wanted } from "./facts.ts";
import { InstallLock } from "./lock.ts";
import type { InstallLog } from "./log.ts";
import { type Contact, describe, inspect, look, whereabouts } from "./look.ts";
import { awaitNetwork } from "./network.ts";
import { nixosAnywhere, PhaseFailed } from "./nixos-anywhere.ts";
import { type Phase, phasesFrom, phaseWords } from "./phases.ts";
import { markerOf, notesOf } from "./progress.ts";
import { beginReinstall, withoutVolumes, withVolumes } from "./reinstall.ts";

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
      const decision = this.#decide();
      if (decision.do === "adopt") return await this.#adopt(decision.rewrite);

      await this.#hold();
      const standing = this.#decide();
      if (standing.do === "adopt") return await this.#adopt(standing.rewrite);
      if (standing.do === "reinstall")
        await beginReinstall(this.#host, this.#document, this.#log, this.#late.signal);
      const begin = standing.do === "resume" ? standing.from : "kexec";
      if (standing.do === "resume")
        this.#log.say(`an earlier installation did not end; it goes on at ${begin} (${phaseWords[begin]})`);
      for (const phase of phasesFrom(begin)) await this.#phase(phase, phase === begin);

      this.#log.say("waiting for the installed system");
      await this.#installed();
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
    throw new Failure({
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

  /** Be the only one at work on the host, and see again what is there. */
  async #hold(): Promise<void> {
    this.#lock?.release();
    this.#lock = await InstallLock.take(this.#host, this.#document.target.stack);
    if (!this.#contact) return;
    const { session, facts } = this.#contact;
    this.#contact = { ...this.#contact, ...(await inspect(session, this.#document, facts.identity)) };
  }

  async #phase(phase: Phase, first: boolean): Promise<void> {
    if (!first) await this.#stand(phase);
    if (phase === "disko") await this.#clearDisk();
    if (phase === "reboot") await withVolumes(this.#document, this.#log, this.#late.signal);
    this.#log.say(`phase ${phase}: ${phaseWords[phase]}`);
    if (phase === "kexec") await this.#kexec();
    else await this.#inInstaller(phase);
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
    } else if (this.#contact) {
      const { session, facts } = this.#contact;
      this.#contact = { ...this.#contact, ...(await inspect(session, this.#document, facts.identity)) };
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

  /** Nothing of an earlier run is at work on the disk, and no volume can be taken for it. */
  async #clearDisk(): Promise<void> {
    const { diskoScript } = this.#document;
    await remote(this.#host, "settle", { path: [diskoScript.out] }, { deadline: 30_000 });
    const volumes = this.#contact?.facts.disks?.volumes ?? [];
    await withoutVolumes(this.#host, this.#document, volumes, this.#log, this.#late.signal);
    if (volumes.length === 0 || !this.#contact) return;
    const { session, facts } = this.#contact;
    this.#contact = { ...this.#contact, ...(await inspect(session, this.#document, facts.identity)) };
    this.#decide();
  }

  /** nixos-anywhere waits for the installer for ever; whoever answers with another key than the host's will not become it. */
  async #kexec(): Promise<void> {
    const watch = new AbortController();
    const stranger = this.#watchForStranger(watch.signal);
    try {
      await this.#run("kexec", AbortSignal.any([this.#late.signal, stranger.signal]));
    } finally {
      watch.abort();
      await stranger.done;
      this.#lock?.release();
    }
  }

  #watchForStranger(stop: AbortSignal): { signal: AbortSignal; done: Promise<void> } {
    const found = new AbortController();
    const { target } = this.#document;
    const watch = async () => {
      const hostKey = this.#contact?.hostKey ?? "";
      const session = await SshSession.create({ ...target, user: "root", hostKeys: [hostKey] });
      try {
        for (let times = 0; times < 3 && !stop.aborted; ) {
          await sleep(3_000, undefined, { signal: stop });
          const said = await session
            .waitUntilReachable(1, { signal: stop })
            .then(() => "")
            .catch(messageOf);
          times = isIdentityMismatch(said) ? times + 1 : 0;
          if (times === 3)
            found.abort(
              new Error(
                "host key verification failed: another host key than the one it was begun with answers",
              ),
            );
        }
      } finally {
        await session.close();
      }
    };
    return { signal: found.signal, done: watch().catch(() => undefined) };
  }

  /** A phase in the installer; it ends when the host is no longer held, but for the restart, which is meant to end that. */
  async #inInstaller(phase: Exclude<Phase, "kexec">): Promise<void> {
    const lost = new AbortController();
    const over = new AbortController();
    if (phase !== "reboot") {
      void this.#lock?.lost
        // nixos-anywhere tells better what it was at when the connection broke.
        .then(() => sleep(4_000, undefined, { signal: over.signal }))
        .then(() => lost.abort(new Error("the connection to the host broke")))
        .catch(() => undefined);
    }
    try {
      await this.#run(phase, AbortSignal.any([this.#late.signal, lost.signal]));
    } catch (error) {
      // It never sees a system that is back too soon; whether the new one is there is asked next.
      if (phase !== "reboot" || !(error instanceof PhaseFailed) || error.gaveUp || this.#late.signal.aborted)
        throw error;
      this.#log.keep(messageOf(error));
    } finally {
      over.abort();
    }
  }

  async #run(phase: Phase, signal: AbortSignal): Promise<void> {
    await nixosAnywhere(this.#document, {
      phase,
      hostKey: this.#contact?.hostKey ?? "",
      folder: this.#folder,
      log: this.#log,
      deadline: this.#within(phase),
      signal,
      stands: () => whereabouts(this.#document, 4_000),
    });
  }

  /** The new system must come up as itself: the lasting key, our marker, the toplevel that was installed, its network. */
  async #installed(): Promise<void> {
    const { target, lastingHostKey, toplevel } = this.#document;
    const session = await SshSession.create({
      ...target,
      user: "root",
      hostKeys: [lastingHostKey.publicKey],
    });
    const end = Date.now() + this.#within("boot");
    try {
      for (;;) {
        // The installer may answer once more, with the key it had.
        await session.waitUntilReachable(Math.max(1, end - Date.now()), {
          patient: true,
          signal: this.#late.signal,
        });
        const wrong = await this.#whatIsWrong(session);
        if (wrong === undefined) break;
        if (Date.now() >= end) {
          throw new Failure({
            host: session.label,
            tried: "verify the installed system",
            cameBack: wrong,
            next: "look at the server's console, then run pulumi up again",
          });
        }
        await sleep(1_000, undefined, { signal: this.#late.signal });
      }
      await awaitNetwork(session, this.#document, this.#within("network"), (line) => this.#log.say(line));
      this.#log.keep(`${session.label} runs ${toplevel.out}`);
    } finally {
      await session.close();
    }
  }

  async #whatIsWrong(session: SshSession): Promise<string | undefined> {
    const { toplevel } = this.#document;
    try {
      const seen = await remote(session, "inspect", {}, { deadline: 15_000, fresh: true });
      const marker = JSON.stringify(markerOf(this.#document));
      if (seen.variant === "installer") return "the installer still runs";
      if (seen.marker?.trim() !== marker)
        return `its marker is ${seen.marker?.trim() ?? "absent"}, not ${marker}`;
      return seen.current === toplevel.out ? undefined : `it runs ${seen.current}, not ${toplevel.out}`;
    } catch (error) {
      return messageOf(error);
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
  for (const what of ["toplevel", "diskoScript", "kexecTarball"] as const) {
    const derivation = document[what];
    if (derivation) await build(what, derivation, { deadline, signal, onLine: (line) => log.keep(line) });
  }
}
