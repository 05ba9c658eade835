import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { writeOutFlyTomls } from "../../../config/fly-files.ts";
import { describeBilled } from "../../../config/fly-sizes.ts";
import { parseStackConfig } from "../../../config/stack.ts";
import { wantedMachines } from "../../../deployer/fly/machine.ts";

const checkout = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(checkout, file), "utf8");
const stack: Record<string, unknown> = parse(read("examples/fly/stack.yaml"));
const raw = Object.fromEntries(
  Object.entries(stack).map(([key, value]) => [key.replace(/^berth:/, ""), value]),
);
const { raw: written, notes, problems } = writeOutFlyTomls(raw, read);

test("webecho at Fly is what its fly.toml says, with the stack's image and secret", () => {
  expect(problems).toEqual([]);
  const { config } = parseStackConfig("fly", { ...written, secrets: { "echo-me": "Ahoy" } });
  const { webecho } = config.fly;
  if (!webecho) throw new Error("there is no webecho");
  expect(webecho).toMatchObject({
    primaryRegion: "sea",
    image: { package: "webechoImg" },
    deploy: { strategy: "rolling" },
    guest: { cpuKind: "shared", cpus: 1, memory: 256 },
    secrets: { APP_ECHO_ME: "echo-me" },
    services: [
      {
        internalPort: 8080,
        forceHttps: true,
        autostop: "stop",
        autostart: true,
        minMachinesRunning: 1,
        checks: [{ type: "http", method: "GET", path: "/echo", interval: 5, timeout: 5 }],
      },
    ],
  });
  expect(describeBilled("webecho", webecho)).toContain("2 machines shared-cpu-1x in sea");
});

test("its app listens where its service and its check ask", () => {
  const { config } = parseStackConfig("fly", written);
  const image = `registry.fly.io/webecho@sha256:${"a".repeat(64)}`;
  const app = config.fly["webecho"];
  const machines = app ? wantedMachines({ app, image, secretsRevision: "" }) : [];
  expect(machines).toHaveLength(2);
  expect(machines[0]?.config).toMatchObject({
    env: { PORT: "8080" },
    services: [{ internal_port: 8080, checks: [{ port: 8080, path: "/echo" }] }],
  });
});

test("what Berth does otherwise than Fly is said: the check gates, the image is pushed, the count is a guess", () => {
  expect(notes).toEqual([
    expect.stringContaining("checks.echo: at Fly it informs alone; here it gates"),
    expect.stringContaining("2 in sea"),
    expect.stringContaining("build.image: not used, as the image is webechoImg"),
  ]);
});
