import { existsSync } from "node:fs";
import { readdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { HetznerApi } from "../../deployer/hetzner/api.ts";
import { checkToken } from "../../deployer/hetzner/token.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { type Ended, lastLines, NotStarted, run } from "../../deployer/process.ts";
import { hetznerAccessOf } from "../hetzner-access.ts";
import { findProject, type Project, readYaml, stackFile, stackFileOf } from "../project.ts";
import { explain } from "../pulumi.ts";
import { nameOfFile } from "../stack-name.ts";
import type { Asked, Facts } from "./verdicts.ts";

/** Milliseconds for a program to tell of itself, for pulumi to reach its backend, and for Hetzner's API. */
const deadlines = { told: 15_000, backend: 60_000, api: 30_000 };

/** Look at the machine, the project of a folder and its accounts. Changes nothing. */
export async function gatherFacts(cwd: string, selected: string | undefined): Promise<Facts> {
  const found = projectIn(cwd);
  const stack = found && (await nameOfFile(selected, found).catch(() => null));
  const file = found && stack ? readStackFile(found, stack) : undefined;
  const [node, pulumi, languageHost, nix, nixFeatures, nixStore, nixosAnywhere, ssh, agentKeys, git] =
    await Promise.all([
      ask("node", ["--version"]),
      ask("pulumi", ["version"]),
      askLanguageHost(),
      ask("nix", ["--version"]),
      askFeatures(),
      askStore(),
      askPresence("nixos-anywhere"),
      ask("ssh", ["-V"]),
      askAgent(),
      ask("git", ["--version"]),
    ]);
  const [free, backend, token] = await Promise.all([
    freeSpace(["/nix/store", cwd]),
    pulumi === "absent" ? null : askBackend(cwd),
    askToken(found, stack, file?.values ?? {}),
  ]);
  const readable = backend !== null && backend !== "not logged in" && backend.trouble === undefined;
  return {
    ...{ node, pulumi, languageHost, nix, nixFeatures, nixStore, nixosAnywhere, ssh, agentKeys, git, free },
    project: found && { name: found.name, folder: found.folder },
    stack,
    uses: file?.uses ?? null,
    token,
    backend,
    decryption: file?.decryption ?? null,
    decrypted: found && stack && file && readable ? await askDecryption(found, stack) : null,
  };
}

/** A Pulumi.yaml that is none is told by `berth check`. */
function projectIn(cwd: string): Project | null {
  try {
    return findProject(cwd) ?? null;
  } catch {
    return null;
  }
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

async function ask(file: string, args: readonly string[]): Promise<Asked> {
  const ended = await tried(file, args);
  if (ended === "absent" || "failed" in ended) return ended;
  // ssh tells its version on stderr.
  if (ended.exitCode === 0) return { said: firstLine(ended.stdout) || firstLine(ended.stderr) };
  return { failed: lastLines(ended.stderr, 1) || `exit code ${ended.exitCode}` };
}

async function tried(
  file: string,
  args: readonly string[],
  options: { cwd?: string; deadline?: number; env?: Record<string, string> } = {},
): Promise<Ended | "absent" | { failed: string }> {
  try {
    return await run(file, args, { deadline: deadlines.told, ...options });
  } catch (error) {
    if (error instanceof NotStarted && !onPath(file)) return "absent";
    return { failed: error instanceof Failure ? error.cameBack : messageOf(error) };
  }
}

const pathOf = (file: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(":")
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, file))
    .find(existsSync);
const onPath = (file: string): boolean => pathOf(file) !== undefined;

/** There without being run: it tells no version. */
const askPresence = async (file: string): Promise<Asked> => {
  const path = pathOf(file);
  return path === undefined ? "absent" : { said: path };
};

/** Pulumi looks on PATH, beside itself, and among its plugins. */
async function askLanguageHost(): Promise<Asked> {
  const file = "pulumi-language-nodejs";
  const pulumi = pathOf("pulumi");
  const beside = pulumi && join(dirname(pulumi), file);
  const home = process.env["PULUMI_HOME"] || join(process.env.HOME ?? "/", ".pulumi");
  const plugins = await readdir(join(home, "plugins")).catch(() => []);
  const there =
    onPath(file) ||
    (beside && existsSync(beside)) ||
    plugins.some((name) => name.startsWith("language-nodejs-"));
  return there ? { said: file } : "absent";
}

const nixSettings = z.object({ "experimental-features": z.object({ value: z.array(z.string()) }) });

async function askFeatures(): Promise<string[] | null> {
  // Before Nix 2.20 it has another name.
  for (const args of [
    ["config", "show", "--json"],
    ["show-config", "--json"],
  ]) {
    const ended = await tried("nix", args);
    if (ended === "absent" || "failed" in ended) return null;
    const told = nixSettings.safeParse(jsonOrUndefined(ended.stdout));
    if (told.success) return told.data["experimental-features"].value;
    if (/experimental (Nix )?feature 'nix-command' is disabled/.test(ended.stderr)) return [];
  }
  return null;
}

const storeInfo = z.object({ url: z.string() });

async function askStore(): Promise<Asked> {
  const on = ["--extra-experimental-features", "nix-command", "store"];
  let trouble = "";
  // Before Nix 2.19 it has another name.
  for (const verb of ["info", "ping"]) {
    const ended = await tried("nix", [...on, verb, "--json"]);
    if (ended === "absent" || "failed" in ended) return ended;
    const told = storeInfo.safeParse(jsonOrUndefined(ended.stdout));
    if (ended.exitCode === 0 && told.success) return { said: told.data.url };
    trouble ||= lastLines(ended.stderr, 1);
  }
  return { failed: trouble || "it does not tell" };
}

/** `ssh-add -l` ends with 0 and a line for each key, with 1 where there is none, with 2 without an agent. */
async function askAgent(): Promise<number | null> {
  const ended = await tried("ssh-add", ["-l"]);
  if (ended === "absent" || "failed" in ended) return null;
  if (ended.exitCode === 0) return ended.stdout.trim().split("\n").length;
  return ended.exitCode === 1 ? 0 : null;
}

/** Free space of the disks that folders are on, each disk once. */
async function freeSpace(folders: readonly string[]): Promise<Facts["free"]> {
  const seen = new Set<number>();
  const free: { folder: string; gigabytes: number }[] = [];
  for (const folder of folders) {
    let existing = folder;
    while (!existsSync(existing)) existing = dirname(existing);
    const { dev } = await stat(existing);
    if (seen.has(dev)) continue;
    seen.add(dev);
    const { bavail, bsize } = await statfs(existing);
    free.push({ folder: existing, gigabytes: (bavail * bsize) / 1e9 });
  }
  return free;
}

function readStackFile(project: Project, stack: string) {
  const path = stackFileOf(project, stack);
  if (!existsSync(path)) return undefined;
  const content = readYaml(path).value;
  if (typeof content !== "object" || content === null) return undefined;
  const { values } = stackFile(content, project.name);
  const has = (key: string) => !["", "{}", "null"].includes(values[`berth:${key}`] ?? "");
  const hosts = values["berth:hosts"] ?? "";
  return {
    values,
    uses: {
      hosts: has("hosts"),
      hetzner: /"server":/.test(hosts) || has("loadBalancers") || has("dns"),
    },
    decryption: "encryptionsalt" in content ? ("passphrase" as const) : ("elsewhere" as const),
  };
}

const whoami = z.object({ url: z.string() });
const quiet = { PULUMI_SKIP_UPDATE_CHECK: "true" };

async function askBackend(cwd: string): Promise<Facts["backend"]> {
  const options = { cwd, env: quiet, deadline: deadlines.backend };
  const who = await tried("pulumi", ["whoami", "--json", "--non-interactive"], options);
  if (who === "absent") return null;
  if ("failed" in who) return { url: "the backend", trouble: who.failed };
  const told = whoami.safeParse(jsonOrUndefined(who.stdout));
  if (who.exitCode !== 0 || !told.success) {
    if (/PULUMI_ACCESS_TOKEN|not logged in|must be logged in|pulumi login/i.test(who.stderr))
      return "not logged in";
    return { url: process.env["PULUMI_BACKEND_URL"] || "the backend", trouble: explain(who.stderr).cameBack };
  }
  const { url } = told.data;
  const listed = await tried("pulumi", ["stack", "ls", "--all", "--json", "--non-interactive"], options);
  if (listed === "absent") return null;
  if ("failed" in listed) return { url, trouble: listed.failed };
  return listed.exitCode === 0 ? { url } : { url, trouble: explain(listed.stderr).cameBack };
}

async function askDecryption(project: Project, stack: string): Promise<Facts["decrypted"]> {
  // What it prints is let go of.
  const ended = await tried(
    "pulumi",
    ["config", "--show-secrets", "--json", "--non-interactive", "-s", stack],
    {
      cwd: project.folder,
      env: quiet,
      deadline: deadlines.backend,
    },
  );
  if (ended === "absent") return null;
  if ("failed" in ended) return { because: ended.failed };
  if (ended.exitCode === 0) return true;
  return /no stack named/i.test(ended.stderr) ? "no such stack" : { because: explain(ended.stderr).cameBack };
}

/** An order of nothing, as a preview sends it: Hetzner refuses it either way, and by its reason one knows what the token may. */
async function askToken(
  project: Project | null,
  stack: string | null,
  values: Readonly<Record<string, string>>,
): Promise<Facts["token"]> {
  const { endpoint, token, because, isEncrypted } = await hetznerAccessOf(project?.folder, stack, values);
  if (token === undefined) return { absent: because, encrypted: isEncrypted };
  const { from } = token;
  const late = AbortSignal.timeout(deadlines.api);
  try {
    checkToken(token.value, from);
    const api = new HetznerApi({
      token: token.value,
      tokenFrom: from,
      endpoint,
      signal: late,
      until: Date.now() + deadlines.api,
      say: () => undefined,
    });
    return { from, may: (await api.readOnly()) ? "read" : "read and write" };
  } catch (error) {
    if (late.aborted)
      return {
        from,
        refused: `no answer of ${endpoint} within ${deadlines.api / 1000} s`,
        next: "check the network and hcloud:endpoint",
      };
    if (error instanceof Failure) return { from, refused: error.cameBack, next: error.next };
    throw error;
  }
}
