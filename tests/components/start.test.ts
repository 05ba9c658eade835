import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import command from "@pulumi/command/package.json" with { type: "json" };
import type { ResourceInvokeRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import { describe, expect, test, vi } from "vitest";
import { plainStackTraces } from "../../components/stack-traces.ts";
import { startProviders } from "../../components/start-providers.ts";
import { parseStackConfig } from "../../config/stack.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type Raw, withHost } from "../unit/config/samples.ts";
import { underMocks } from "./mocks.ts";

type Answer = (error: Error) => void;

describe("the providers that are started early", () => {
  const image = { reference: `registry.fly.io/webecho@sha256:${"a".repeat(64)}` };
  test.each<[string, Raw, string[]]>([
    ["with a host, Berth's and the installations'", withHost(), ["berth:index:start", "command:local:run"]],
    [
      "without one, Berth's alone",
      { fly: { webecho: { regions: { sea: 2 }, image } } },
      ["berth:index:start"],
    ],
  ])("%s; that they do not start is told by who needs them", async (_, raw, tokens) => {
    const asked: [token: string, version: string][] = [];
    await underMocks(async () => {
      Object.assign(getMonitor() as object, {
        invoke: (request: ResourceInvokeRequest, done: Answer) => {
          asked.push([request.getTok(), request.getVersion()]);
          done(new Error("it does not start"));
        },
      });
      startProviders(parseStackConfig("dev", raw).config);
      await vi.waitFor(() => expect(asked).toHaveLength(tokens.length));
    });
    // Another version would be another provider than the one of the resources.
    const version = (token: string) => (token.startsWith("command:") ? command.version : "");
    expect(asked).toEqual(tokens.map((token) => [token, version(token)]));
  });
});

test("what is asked first is asked before Pulumi's SDK is imported as a whole", async () => {
  const program = readFileSync(join(checkout, "index.ts"), "utf8");
  const first = [...program.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name ?? "");
  expect(first).toContain("./deployer/plan-from-flake.ts");
  const script = `
    import { createRequire } from "node:module";
    for (const name of ${JSON.stringify(first)}) await import(name.startsWith(".") ? new URL(name, process.argv[1]).href : name);
    const loaded = Object.keys(createRequire(process.argv[1]).cache);
    console.log(JSON.stringify(loaded.filter((file) => /@pulumi\\/(pulumi\\/(automation|index)|(command|hcloud)\\/index)\\b/.test(file))));
  `;
  const args = ["--input-type=module", "--eval", script, "--", `file://${join(checkout, "index.ts")}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: checkout });
  expect(JSON.parse(stdout)).toEqual([]);
});

test("a stack trace is Node's own, whoever writes traces otherwise", () => {
  const errors: { prepareStackTrace?: unknown } = Error;
  const before = errors.prepareStackTrace;
  try {
    errors.prepareStackTrace = () => "mapped";
    expect(new Error("x").stack).toBe("mapped");
    plainStackTraces();
    expect(new Error("x").stack).toMatch(/^Error: x\n +at .*start\.test\.ts/);
  } finally {
    errors.prepareStackTrace = before;
  }
});
