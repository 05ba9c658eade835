import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { askVersion } from "../../../lab/plugins/ask-version.ts";
import packageJson from "../../../package.json" with { type: "json" };

const PLUGIN = join(import.meta.dirname, "noisy-plugin.ts");
const BERTH = join(import.meta.dirname, "../../../provider/pulumi-resource-berth");

/** Starts a plugin; `end` resolves with its exit code when it has ended. */
function start(environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PLUGIN], { env: { ...process.env, ...environment } });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    said.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said.stderr += chunk;
  });
  const end = once(child, "close").then(([code]) => code as number | null);
  return { child, said, end, first: () => once(child.stdout, "data") };
}

describe("a plugin's process", () => {
  test("writes its port to stdout and nothing else, ends on a signal, and closes before it does", async () => {
    const { child, said, end, first } = start();
    await first();
    await expect.poll(() => said.stderr).toContain("this is no port");
    child.kill("SIGTERM");
    expect(await end).toBe(0);
    expect(said.stdout).toMatch(/^\d+\n$/);
    expect(said.stderr).toBe("this is no port\nclosed\n");
  });

  test("ends with one line when an error was handled by nobody", async () => {
    const { said, end } = start({ NOISY_BREAKS: "1" });
    expect(await end).toBe(1);
    expect(said.stderr).toContain(
      "pulumi-resource-noisy: ended by an error nobody handled: lost the thread\n",
    );
    expect(said.stderr).not.toContain("    at ");
  });

  test("ends when the process that started it is gone", async () => {
    const script = `require("node:child_process").spawn(process.execPath, [${JSON.stringify(PLUGIN)}], { stdio: ["ignore", "inherit", "inherit"] })`;
    const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "pipe"] });
    await once(parent.stdout, "data");
    parent.kill("SIGKILL");
    // The pipe closes when its last holder, the plugin, has ended.
    await once(parent.stdout, "close");
    expect(parent.signalCode).toBe("SIGKILL");
  });

  test("of Berth itself starts through its shim and tells the version of the package", async () => {
    expect(await askVersion(BERTH)).toBe(packageJson.version);
  });
});
