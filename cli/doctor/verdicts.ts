/** How asking a program went. */
export type Asked =
  /** What it said of itself, e.g. "nix (Nix) 2.30.1". */
  | { said: string }
  /** It is not on PATH. */
  | "absent"
  /** It is there and did not answer as it should; what it said. */
  | { failed: string };

/** What a machine, a project and its accounts are like. Holds no secret. */
export interface Facts {
  /** The Node on PATH, which Pulumi runs the program with. */
  node: Asked;
  pulumi: Asked;
  /** Pulumi's language host for Node. */
  languageHost: Asked;
  nix: Asked;
  /** Experimental features that Nix has on; null where it does not tell. */
  nixFeatures: readonly string[] | null;
  /** How Nix reaches its store, as it tells: "daemon", "local"; what it said where it cannot. */
  nixStore: Asked;
  nixosAnywhere: Asked;
  ssh: Asked;
  /** Keys in the ssh agent; null where none runs. */
  agentKeys: number | null;
  git: Asked;
  /** Free space: a folder, and GB. */
  free: readonly { folder: string; gigabytes: number }[];
  /** The project of the working folder; null where there is none. */
  project: { name: string; folder: string } | null;
  /** The stack that the rest is about; null where none is selected and there is not just one. */
  stack: string | null;
  /** What the stack has; null where its file could not be read. */
  uses: { hosts: boolean; hetzner: boolean } | null;
  /** Hetzner's token: where it is from, and what it may. */
  token:
    | { from: string; may: "read and write" | "read" }
    | { from: string; refused: string; next: string }
    /** None is at hand; `encrypted`: there is one, which nobody here can decrypt. */
    | { absent: string; encrypted: boolean };
  /** Pulumi's state: its address, and what was told where it cannot be read. */
  backend: { url: string; trouble?: string } | "not logged in" | null;
  /** What decrypts the stack's secrets; null where the stack has no file, or that does not say. */
  decryption: "passphrase" | "elsewhere" | null;
  /** Whether the stack's secrets were decrypted; the reason where they were not, null where nobody tried. */
  decrypted: true | "no such stack" | { because: string } | null;
}

/** What is to be said of one thing. */
export interface Verdict {
  what: string;
  is: "ok" | "wrong" | "unknown";
  found: string;
  /** What to do about it. */
  fix?: string;
}

/** Oldest versions that work. */
export const needed = { node: "24.0", pulumi: "3.259.0", nix: "2.18.0" };
/** GB: a system, what builds it, and room for a second one. */
const neededSpace = 5;

/** What is right and wrong, in the order in which it would be mended. Pure. */
export function verdicts(facts: Facts): Verdict[] {
  const withHosts = facts.uses?.hosts ?? true;
  const onlyWithHosts = (verdict: Verdict): Verdict =>
    verdict.is === "wrong" && !withHosts
      ? { what: verdict.what, is: "ok", found: `${verdict.found}; this stack has no host that needs it` }
      : verdict;
  return [
    program("node", facts.node, needed.node, "nodejs.org/download, or node of your system's packages"),
    program("pulumi", facts.pulumi, needed.pulumi, "pulumi.com/docs/install"),
    languageHost(facts),
    onlyWithHosts(program("nix", facts.nix, needed.nix, "nixos.org/download")),
    onlyWithHosts(features(facts)),
    onlyWithHosts(store(facts)),
    onlyWithHosts(
      program(
        "nixos-anywhere",
        facts.nixosAnywhere,
        undefined,
        "nix profile install nixpkgs#nixos-anywhere; it is needed to install a host",
      ),
    ),
    program("ssh", facts.ssh, undefined, "install OpenSSH's client"),
    agent(facts),
    program("git", facts.git, undefined, "install git; Nix reads flakes through it"),
    ...facts.free.map(space),
    project(facts),
    backend(facts),
    secrets(facts),
    token(facts),
  ];
}

/** A version's numbers in a text: "nix (Nix) 2.30.1" gives [2, 30, 1]. */
const numbersIn = (text: string): number[] | undefined =>
  /\d+(\.\d+)+/.exec(text)?.[0].split(".").map(Number);

/** Whether the version in a text is this one or newer; undefined where the text has none. */
export function atLeast(text: string, wanted: string): boolean | undefined {
  const have = numbersIn(text);
  if (!have) return undefined;
  for (const [index, part] of (numbersIn(wanted) ?? []).entries()) {
    const mine = have[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}

function program(what: string, asked: Asked, wanted: string | undefined, get: string): Verdict {
  if (asked === "absent") return { what, is: "wrong", found: "not on PATH", fix: get };
  if ("failed" in asked) return { what, is: "wrong", found: `does not run: ${asked.failed}`, fix: get };
  const version = numbersIn(asked.said)?.join(".") ?? asked.said;
  const enough = wanted === undefined || atLeast(asked.said, wanted);
  if (enough === undefined)
    return {
      what,
      is: "unknown",
      found: `tells no version: ${asked.said}`,
      fix: `it should be ${wanted} or newer`,
    };
  if (!enough) return { what, is: "wrong", found: `${version}; ${wanted} or newer is needed`, fix: get };
  return { what, is: "ok", found: version };
}

function languageHost({ pulumi, languageHost: host }: Facts): Verdict {
  const what = "pulumi for Node";
  if (pulumi === "absent") return { what, is: "unknown", found: "pulumi is not there" };
  return host === "absent"
    ? {
        what,
        is: "wrong",
        found: "pulumi-language-nodejs is neither on PATH nor beside pulumi",
        fix: "install Pulumi whole: pulumi.com/docs/install; with Nix also nixpkgs#pulumiPackages.pulumi-nodejs",
      }
    : { what, is: "ok", found: "pulumi-language-nodejs is there" };
}

function features({ nix, nixFeatures }: Facts): Verdict {
  const what = "nix features";
  if (nix === "absent") return { what, is: "unknown", found: "nix is not there" };
  if (nixFeatures === null) return { what, is: "unknown", found: "nix does not tell its settings" };
  const missing = ["nix-command", "flakes"].filter((one) => !nixFeatures.includes(one));
  return missing.length === 0
    ? { what, is: "ok", found: "nix-command flakes" }
    : {
        what,
        is: "wrong",
        found: `${missing.join(" and ")} off`,
        fix: "add to ~/.config/nix/nix.conf: experimental-features = nix-command flakes",
      };
}

function store({ nix, nixStore }: Facts): Verdict {
  const what = "nix store";
  if (nix === "absent" || nixStore === "absent") return { what, is: "unknown", found: "nix is not there" };
  if ("failed" in nixStore)
    return {
      what,
      is: "wrong",
      found: `cannot be reached: ${nixStore.failed}`,
      fix: "start the daemon (systemctl start nix-daemon), or own /nix as the user that runs nix",
    };
  const kind = nixStore.said.startsWith("daemon")
    ? "through the daemon"
    : nixStore.said.startsWith("local")
      ? "single-user"
      : nixStore.said;
  return { what, is: "ok", found: kind };
}

function agent({ agentKeys }: Facts): Verdict {
  const own = "a stack logs in with a key of its own";
  if (agentKeys === null) return { what: "ssh agent", is: "ok", found: `none runs; ${own}` };
  if (agentKeys === 0) return { what: "ssh agent", is: "ok", found: `it has no key; ${own}` };
  return { what: "ssh agent", is: "ok", found: agentKeys === 1 ? "1 key" : `${agentKeys} keys` };
}

function space({ folder, gigabytes }: Facts["free"][number]): Verdict {
  const found = `${gigabytes.toFixed(1)} GB free`;
  const what = `disk of ${folder}`;
  if (gigabytes >= neededSpace) return { what, is: "ok", found };
  return {
    what,
    is: "wrong",
    found: `${found}; ${neededSpace} GB are needed`,
    fix: folder.startsWith("/nix") ? "nix-collect-garbage -d, or a larger disk" : "make room there",
  };
}

function project({ project, stack }: Facts): Verdict {
  const what = "project";
  if (project === null)
    return {
      what,
      is: "unknown",
      found: "no Pulumi.yaml here or above",
      fix: "go to a project's folder; berth init makes one",
    };
  if (stack === null)
    return {
      what,
      is: "unknown",
      found: `${project.name} in ${project.folder}, and no stack is selected`,
      fix: "name one with -s, or pulumi stack select",
    };
  return { what, is: "ok", found: `${project.name}, stack ${stack}` };
}

function backend({ pulumi, backend: found }: Facts): Verdict {
  const what = "state";
  if (pulumi === "absent") return { what, is: "unknown", found: "pulumi is not there" };
  if (found === null) return { what, is: "unknown", found: "pulumi does not tell where it keeps its state" };
  if (found === "not logged in")
    return {
      what,
      is: "wrong",
      found: "pulumi is not logged in anywhere",
      fix: "pulumi login --local, or pulumi login for any other backend",
    };
  if (found.trouble !== undefined)
    return {
      what,
      is: "wrong",
      found: `${found.url} cannot be read: ${found.trouble}`,
      fix: "mend that, or log in to another: pulumi login",
    };
  return { what, is: "ok", found: found.url };
}

function secrets({ pulumi, stack, decryption, decrypted }: Facts): Verdict {
  const what = "stack's secrets";
  if (decrypted === "no such stack")
    return {
      what,
      is: "wrong",
      found: `the state has no stack ${stack} yet`,
      fix: `pulumi stack init ${stack}`,
    };
  if (decrypted === true) return { what, is: "ok", found: "they can be decrypted" };
  if (decrypted === null)
    return {
      what,
      is: "unknown",
      found:
        pulumi === "absent"
          ? "pulumi is not there"
          : decryption === null
            ? "no stack to try it with"
            : "the state cannot be read",
    };
  return {
    what,
    is: "wrong",
    found: `they cannot be decrypted: ${decrypted.because}`,
    fix:
      decryption === "passphrase"
        ? "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase"
        : "log in to what keeps the stack's key",
  };
}

function token({ token: found, uses }: Facts): Verdict {
  const what = "Hetzner's token";
  const fix =
    "make one in Hetzner's console, project > Security > API tokens, with read and write, and set it: pulumi config set --secret hcloud:token";
  if ("refused" in found)
    return { what, is: "wrong", found: `${found.from}: ${found.refused}`, fix: found.next };
  if ("absent" in found) {
    if (uses?.hetzner === false) return { what, is: "ok", found: "none; this stack has nothing at Hetzner" };
    return uses === null || found.encrypted
      ? { what, is: "unknown", found: found.absent }
      : { what, is: "wrong", found: found.absent, fix };
  }
  return found.may === "read"
    ? {
        what,
        is: "wrong",
        found: `${found.from} may only read: enough for a preview, not for an update`,
        fix,
      }
    : { what, is: "ok", found: `${found.from} may read and write` };
}

/** The verdicts for people: a line each, and below it what to do. Pure. */
export function describeVerdicts(all: readonly Verdict[]): string {
  const width = Math.max(...all.map(({ what }) => what.length));
  const lines = all.flatMap(({ what, is, found, fix }) => [
    `${is.padEnd(7)}  ${what.padEnd(width)}  ${found}`,
    ...(fix === undefined ? [] : [`${" ".repeat(width + 11)}Next: ${fix}`]),
  ]);
  const wrong = all.filter(({ is }) => is === "wrong").length;
  const unknown = all.filter(({ is }) => is === "unknown").length;
  const sum = [
    ...(wrong > 0 ? [`${wrong} wrong`] : ["Nothing is wrong"]),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
  ];
  return [...lines, `${sum.join(", ")}.`].map((line) => `${line}\n`).join("");
}
