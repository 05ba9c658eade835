import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const plugin = new URL("../../../provider/pulumi-resource-berth", import.meta.url).pathname;

test("the provider starts without the stack's configuration in its environment, and with all else", () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-shim-"));
  try {
    const node = join(folder, "node");
    writeFileSync(node, `#!/bin/sh\necho "$@"\nenv\n`);
    chmodSync(node, 0o755);
    const configuration = { PULUMI_CONFIG: '{"secrets":"hunter2"}', PULUMI_PROJECT: "berth" };
    const seen = execFileSync(plugin, ["127.0.0.1:1234"], {
      encoding: "utf8",
      env: { ...process.env, ...configuration, BERTH_NODE: node },
    });
    expect(seen).toMatch(
      /^--import \S+\/bin\/compile-cache\.mjs \S+\/provider\/main\.ts 127\.0\.0\.1:1234\n/,
    );
    expect(seen).toContain("PULUMI_PROJECT=berth");
    expect(seen).not.toContain("hunter2");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
