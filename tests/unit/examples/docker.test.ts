import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { filesOf } from "../../../config/images.ts";
import { parseStackConfig } from "../../../config/stack.ts";

const read = (file: string) => readFileSync(join(import.meta.dirname, "../../..", file), "utf8");
const stack: Record<string, unknown> = parse(read("examples/docker/stack.yaml"));
const raw = Object.fromEntries(
  Object.entries(stack).map(([key, value]) => [key.replace("berth:", ""), value]),
);

test("what the example says is a stack, of files that are there, with an image for each service", () => {
  const { config, problems } = parseStackConfig("docker", raw);
  expect(problems).toEqual([]);
  const files = filesOf(config);
  expect(files).toEqual(["examples/docker/compose.yaml"]);
  const { services } = parse(read(files[0] ?? "")) as { services: Record<string, unknown> };
  const site = config.containers["site"];
  expect(site && "compose" in site && Object.keys(site.compose.images)).toEqual(Object.keys(services));
});
