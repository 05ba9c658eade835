import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { checkout, node24 } from "../../../lab/setup/places.mjs";

/** How a program ended in a project elsewhere. */
export interface Ran {
  code: number | undefined;
  stdout: string;
  /** What it wrote to stdout and stderr, in its order. */
  output: string;
}

/** A project of somebody else's, which has nothing of the checkout but what npm installs out of the package. */
export interface Elsewhere extends AsyncDisposable {
  folder: string;
  /** Why npm could not install it: the dependencies are neither in npm's cache nor to be had. */
  unreachable: string | undefined;
  /** Runs a program in the project. */
  run(file: string, args: readonly string[]): Promise<Ran>;
  /** The project's own command, where there is neither Nix nor Pulumi. */
  berth(...args: string[]): Promise<Ran>;
}

interface InFolder {
  cwd?: string;
  path?: string | undefined;
  /** Variables beside those of the project elsewhere. */
  more?: Record<string, string | undefined>;
}

/** How this machine reaches a registry, and whom it trusts: npm on another Node than the system's does not read the system's npmrc. */
function wayOut(): Record<string, string | undefined> {
  const trusted = "/etc/ssl/certs/ca-certificates.crt";
  const { NODE_EXTRA_CA_CERTS = existsSync(trusted) ? trusted : undefined } = process.env;
  const proxies = Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name));
  return { ...Object.fromEntries(proxies), NODE_EXTRA_CA_CERTS };
}

/** Milliseconds. */
const deadline = 300_000;
const notThere = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT/;

/**
 * Pack the checkout, make a project with `berth init`, and install the package there with npm.
 * @param options of `berth init`, beside --yes and where the package is
 * @param env everything that programs there find in their environment
 */
export async function projectElsewhere(
  options: readonly string[],
  env: Record<string, string | undefined>,
): Promise<Elsewhere> {
  const outside = await mkdtemp(join(tmpdir(), "berth-elsewhere-"));
  const folder = join(outside, "site");
  const inFolder = async (
    file: string,
    args: readonly string[],
    { cwd = folder, path = env.PATH, more = {} }: InFolder = {},
  ): Promise<Ran> => {
    const variables = { ...env, ...more, PATH: path };
    const ended = await execa(file, args, {
      ...{ cwd, env: variables, extendEnv: false, reject: false, all: true, timeout: deadline },
    });
    return { code: ended.exitCode, stdout: ended.stdout, output: ended.all };
  };
  const must = async (file: string, args: readonly string[]): Promise<Ran> => {
    const ran = await inFolder(file, args, { cwd: checkout });
    if (ran.code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${ran.code}:\n${ran.output}`);
    return ran;
  };

  const few = join(outside, "path");
  await mkdir(few);
  await symlink(node24, join(few, "node"));
  for (const program of ["dirname", "readlink"]) {
    const found = await execa("sh", ["-c", `command -v ${program}`]);
    await symlink(found.stdout, join(few, program));
  }

  const packed = await must(node24, ["packaging/package.ts", "--to", outside]);
  const tarball = packed.stdout.trim().split("\n").at(-1) ?? "";
  // The checkout's: in an empty folder there is no command yet.
  await must(join(checkout, "bin/berth"), [
    "init",
    folder,
    "--yes",
    "--berth",
    `file:${tarball}`,
    ...options,
  ]);
  const quick = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  const installed = await inFolder("npm", ["install", ...quick], { more: wayOut() });
  if (installed.code !== 0 && !notThere.test(installed.output)) throw new Error(installed.output);
  return {
    folder,
    unreachable:
      installed.code === 0
        ? undefined
        : `npm cannot have the package's dependencies: ${/npm error .*/.exec(installed.output)?.[0]}`,
    run: (file, args) => inFolder(file, args),
    berth: (...args) => inFolder(join(folder, "node_modules/.bin/berth"), args, { path: few }),
    [Symbol.asyncDispose]: () => rm(dirname(folder), { recursive: true, force: true }),
  };
}
