import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ResourceInvokeRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import { expect, test, vi } from "vitest";
import { plainStackTraces } from "../../components/stack-traces.ts";
import { startProvider } from "../../components/start-provider.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { underMocks } from "./mocks.ts";

type Answer = (error: Error) => void;

test("the provider is started early; that it does not start is told by who needs it", async () => {
  const asked: string[] = [];
  await underMocks(async () => {
    Object.assign(getMonitor() as object, {
      invoke: (request: ResourceInvokeRequest, done: Answer) => {
        asked.push(request.getTok());
        done(new Error("it does not start"));
      },
    });
    startProvider();
    await vi.waitFor(() => expect(asked).toEqual(["berth:index:start"]));
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
