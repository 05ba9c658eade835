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
}

export type BootChoice =
  | { boot: "installer" }
  | { boot: "rescue" }
  /** `oneshot` says that the entry was asked for once; `init` is the path PID 1 is started from. */
  | { boot: "installed"; entry: string; init: string; oneshot: boolean }
  | { boot: "debian" }
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

function initOf(entry: string): string | null {
  const words = (loaderValue(entry, "options") ?? "").split(/\s+/);
  const init = words.find((word) => word.startsWith("init="))?.slice("init=".length);
  return init && /^\/nix\/store\/[0-9A-Za-z+._?=-]+\/init$/.test(init) ? init : null;
}

/** Decides what boots: the installer, the rescue system, an installed system, Debian, or nothing and why. */
export function chooseBoot(facts: BootFacts): BootChoice {
  // A handover never passes the firmware, which is where the rescue system waits for its turn.
  if (facts.handover) return { boot: "installer" };
  if (facts.rescue) return { boot: "rescue" };
  if (facts.loader !== null) return chooseEntry(facts, facts.loader);
  if (facts.debian) return { boot: "debian" };
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
  return { boot: "installed", entry, init, oneshot: onceEntry !== undefined };
}
