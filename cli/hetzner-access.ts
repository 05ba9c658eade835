import { z } from "zod";
import { encrypted } from "../config/secrets.ts";
import { defaultEndpoint } from "../deployer/hetzner/api.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { run } from "../deployer/process.ts";
import { explain } from "./pulumi.ts";

/** How Hetzner's API is asked for a stack. */
export interface StackAccess {
  /** With the version, e.g. "https://api.hetzner.cloud/v1". */
  endpoint: string;
  /** With where it is from, e.g. "hcloud:token"; undefined where none is at hand. */
  token: { value: string; from: string } | undefined;
  /** Why none is. */
  because: string;
  /** Whether there is one in the stack's file that is encrypted. */
  isEncrypted: boolean;
}

const settings = z.record(z.string(), z.object({ value: z.string().optional() }));

/**
 * Token and endpoint as the provider finds them: the configuration first, then the environment. A token that is encrypted is asked of
 * pulumi, which knows the stack's passphrase or key.
 * @param folder the project's; undefined where there is none
 * @param stack null where none is selected
 * @param values of the stack's file, as `stackFile` tells them
 */
export async function hetznerAccessOf(
  folder: string | undefined,
  stack: string | null,
  values: Readonly<Record<string, string>>,
): Promise<StackAccess> {
  const endpoint = values["hcloud:endpoint"] || process.env["HCLOUD_ENDPOINT"] || defaultEndpoint;
  const written = values["hcloud:token"];
  if (written === encrypted) {
    const { value, because } = await decrypted(folder, stack);
    return {
      endpoint,
      token: value === undefined ? undefined : { value, from: "hcloud:token" },
      because: `hcloud:token is encrypted, and ${because}`,
      isEncrypted: true,
    };
  }
  if (written)
    return { endpoint, token: { value: written, from: "hcloud:token" }, because: "", isEncrypted: false };
  const value = process.env["HCLOUD_TOKEN"];
  return {
    endpoint,
    token: value ? { value, from: "HCLOUD_TOKEN" } : undefined,
    because: "neither hcloud:token nor HCLOUD_TOKEN is set",
    isEncrypted: false,
  };
}

async function decrypted(
  folder: string | undefined,
  stack: string | null,
): Promise<{ value?: string; because: string }> {
  if (folder === undefined || stack === null) return { because: "no stack is selected" };
  try {
    const args = ["config", "--show-secrets", "--json", "--non-interactive", "-s", stack];
    const ended = await run("pulumi", args, {
      cwd: folder,
      deadline: 60_000,
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    const value = settings.safeParse(jsonOrUndefined(ended.stdout)).data?.["hcloud:token"]?.value;
    if (ended.exitCode === 0 && value) return { value, because: "" };
    const { cameBack, next } = explain(ended.stderr);
    return { because: `pulumi does not decrypt it: ${cameBack}; ${next}` };
  } catch {
    return { because: "pulumi, which could decrypt it, does not answer" };
  }
}
