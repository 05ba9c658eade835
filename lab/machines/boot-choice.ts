/** What a machine's disk and firmware hold when it is switched on. */
export interface BootFacts {
  /** `firmware/kexec/next` exists: a running system handed over to the installer. */
  handover: boolean;
  /** The cloud asked for the rescue system. */
  rescue: boolean;
  /** Content of `firmware/oneshot`, an entry's file name. */
  oneshot: string | null;
  /** Content of `disk/esp/loader/loader.conf`. */
  loader: string | null;
  /** Content of every file in `disk/esp/loader/entries`, by file name. */
  entries: Record<string, string>;
  /** `disk/debian` exists. */
  debian: boolean;
  /** `disk/docker` exists: that Debian came with Docker. */
  docker: boolean;
}

export type BootChoice =
  | { boot: "installer" }
  | { boot: "rescue" }
  /**
   * `oneshot` says that the entry was asked for once; `init` is the path PID 1 is started from; `panic` are the seconds after which a
   * machine whose init has died boots again, or null where it stays as it is.
   */
  | { boot: "installed"; entry: string; init: string; oneshot: boolean; panic: number | null }
  /** `docker`: the system has Docker, whose own files are a folder of the disk. */
  | { boot: "debian"; docker: boolean }
  | { boot: "nothing"; because: string };

/** The last `key value` line of a loader file, as systemd-boot reads it. */
function loaderValue(text: string, key: string): string | null {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  return (
    lines
      .findLast(([name]) => name === key)
      ?.slice(1)
      .join(" ") || null
  );
}

/** The kernel's parameter of that name; its last value, as the kernel reads it. */
const parameter = (entry: string, name: string): string | undefined =>
  (loaderValue(entry, "options") ?? "")
    .split(/\s+/)
    .findLast((word) => word.startsWith(`${name}=`))
    ?.slice(name.length + 1);

function initOf(entry: string): string | null {
  const init = parameter(entry, "init");
  return init && /^\/nix\/store\/[0-9A-Za-z+._?=-]+\/init$/.test(init) ? init : null;
}

/** Seconds as `panic=` has them; the kernel's 0 is "never". */
function panicOf(entry: string): number | null {
  const seconds = Number(parameter(entry, "panic"));
  return seconds > 0 ? seconds : null;
}

/** Decides what boots: the installer, the rescue system, an installed system, Debian, or nothing and why. */
export function chooseBoot(facts: BootFacts): BootChoice {
  // A handover never passes the firmware, which is where the rescue system waits for its turn.
  if (facts.handover) return { boot: "installer" };
  if (facts.rescue) return { boot: "rescue" };
  if (facts.loader !== null) return chooseEntry(facts, facts.loader);
  if (facts.debian) return { boot: "debian", docker: facts.docker };
  return {
    boot: "nothing",
    because: "the disk holds neither a boot loader (esp/loader/loader.conf) nor Debian",
  };
}

function chooseEntry(facts: BootFacts, loader: string): BootChoice {
  const once = facts.oneshot?.trim() ?? "";
  const onceEntry = facts.entries[once];
  const entry = onceEntry === undefined ? loaderValue(loader, "default") : once;
  if (!entry) return { boot: "nothing", because: "esp/loader/loader.conf names no default entry" };
  const text = facts.entries[entry];
  if (text === undefined)
    return {
      boot: "nothing",
      because: `esp/loader/loader.conf names ${entry}, which is not in esp/loader/entries`,
    };
  const init = initOf(text);
  if (!init)
    return {
      boot: "nothing",
      because: `esp/loader/entries/${entry} has no "options init=/nix/store/<name>/init"`,
    };
  return { boot: "installed", entry, init, oneshot: onceEntry !== undefined, panic: panicOf(text) };
}
