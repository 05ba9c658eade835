import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, type Result } from "execa";
import { expect } from "vitest";
import { checkout } from "../../../lab/setup/places.mjs";
import { missingEngine } from "./missing-engine.ts";

type Ended = Result<{ reject: false }>;

/** A Pulumi project of its own with the stack `dev`, its state and its engine's home in one folder. */
export interface Project extends AsyncDisposable {
  folder: string;
  /** Why there is no engine to run it, and so no stack. */
  because: string | undefined;
  pulumi(...args: string[]): Promise<Ended>;
  /** What it prints; it has to end well. */
  succeeded(...args: string[]): Promise<string>;
}

export interface ProjectParts {
  name: string;
  /** JavaScript of the program. */
  program: string;
  /** What is run for a provider: its name, and the folder of `pulumi-resource-<name>`. @default none */
  provider?: { name: string; path: string };
  /** Of the runtime, beside `typescript: false`. @default none */
  options?: Record<string, unknown>;
  env?: Record<string, string>;
}

export async function project(parts: ProjectParts): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), `berth-${parts.name}-`));
  const files = {
    "Pulumi.yaml": JSON.stringify({
      name: parts.name,
      runtime: { name: "nodejs", options: { typescript: false, ...parts.options } },
      main: "index.js",
      plugins: { providers: parts.provider ? [parts.provider] : [] },
    }),
    "package.json": JSON.stringify({ name: parts.name, type: "module" }),
    "index.js": parts.program,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await symlink(join(checkout, "node_modules"), join(folder, "node_modules"));
  await mkdir(join(folder, "state"));
  const pulumi = (...args: string[]): Promise<Ended> =>
    execa("pulumi", [...args, "-s", "dev", "--non-interactive"], {
      cwd: folder,
      reject: false,
      env: {
        ...parts.env,
        PULUMI_HOME: join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${folder}/state`,
        PULUMI_CONFIG_PASSPHRASE: "of the test",
        PULUMI_IGNORE_AMBIENT_PLUGINS: "1",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    });
  const succeeded = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await pulumi(...args);
    expect(`${exitCode}\n${exitCode === 0 ? "" : stdout + stderr}`).toBe("0\n");
    return stdout;
  };
  const because = await missingEngine();
  if (because === undefined) await succeeded("stack", "init");
  return {
    folder,
    because,
    pulumi,
    succeeded,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
