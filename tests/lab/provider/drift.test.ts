import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../../../cli/comment/digest.ts";
import { isClean } from "../../../cli/comment/drift.ts";
import { previewJson } from "../../../cli/comment/preview.ts";
import { readDrift } from "../../../cli/comment/report-drift.ts";
import { type Project, project } from "./project.ts";

/** What the engine prints of a refresh and of a preview, read as `berth drift` and `berth comment` read it. */

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
class Thing extends pulumi.CustomResource {
  constructor(name, args) {
    super("shelf:index:Thing", name, { name, ...args });
  }
}
const config = new pulumi.Config();
new Thing("cup", { colour: "blue", tags: { of: config.get("owner") ?? "ada" }, key: pulumi.secret("s3cr3t-k3y") });
new Thing("plate", { colour: "white" });
`;

let kitchen: Project;
/** Where the provider has its things, and its program. */
let folder: string;
const thing = (name: string): string => join(folder, `${name}.json`);
const cup = { name: "cup", colour: "blue", tags: { of: "ada" }, key: "s3cr3t-k3y" };
const plate = { name: "plate", colour: "white" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-shelf-"));
  const path = join(folder, "plugin");
  await mkdir(path);
  const shim = join(path, "pulumi-resource-shelf");
  const shelf = join(import.meta.dirname, "shelf.ts");
  await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${shelf}" "$@"\n`);
  await chmod(shim, 0o755);
  const provider = { name: "shelf", path };
  kitchen = await project({ name: "kitchen", program: PROGRAM, provider, env: { SHELF: folder } });
  if (kitchen.because === undefined) await kitchen.succeeded("up", "--yes", "--skip-preview");
});

afterAll(async () => {
  await kitchen?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

beforeEach(async ({ skip }) => {
  skip(kitchen.because !== undefined, kitchen.because);
  await writeFile(thing("cup"), JSON.stringify(cup));
  await writeFile(thing("plate"), JSON.stringify(plate));
});

async function look() {
  const { stdout, stderr } = await kitchen.pulumi("refresh", "--preview-only", "--json");
  return { drift: readDrift(stdout, stderr), stdout };
}

describe("a look at a stack", () => {
  test("that nobody has touched finds nothing", async () => {
    const { drift, stdout } = await look();
    expect(isClean(drift), stdout).toBe(true);
  });

  test("finds what differs, as the stack has it and as it is", async () => {
    await writeFile(thing("cup"), JSON.stringify({ ...cup, colour: "red", tags: { of: "bob" } }));
    const { drift } = await look();
    expect(drift).toMatchObject({ whole: true, told: [] });
    expect(drift.resources).toEqual([
      {
        what: "Thing",
        name: "cup",
        gone: false,
        differs: ["colour: blue → red", 'tags: {"of":"ada"} → {"of":"bob"}'],
      },
    ]);
  });

  test("finds what is gone", async () => {
    await rm(thing("plate"));
    const { drift } = await look();
    expect(drift.resources).toEqual([{ what: "Thing", name: "plate", gone: true, differs: [] }]);
  });

  test("tells what could not be read, and is not clean then", async () => {
    await writeFile(thing("cup"), "dark");
    const { drift } = await look();
    expect(drift).toMatchObject({
      whole: true,
      resources: [],
      told: ["cup could not be read, its state is kept"],
    });
    expect(isClean(drift)).toBe(false);
  });

  test("that fails says why", async () => {
    await writeFile(thing("cup"), "locked");
    const { drift } = await look();
    expect(drift.whole).toBe(false);
    expect(drift.errors.join("\n")).toContain("cup is locked");
  });

  test("has a secret in it nowhere", async () => {
    await writeFile(thing("cup"), JSON.stringify({ ...cup, key: "an0ther-k3y" }));
    const { drift, stdout } = await look();
    expect(drift.resources.map(({ name }) => name)).toEqual(["cup"]);
    expect(stdout + JSON.stringify(drift)).not.toMatch(/s3cr3t-k3y|an0ther-k3y/);
  });

  test("changes nothing", async () => {
    const state = async () => (await kitchen.pulumi("stack", "export", "--show-secrets")).stdout;
    const before = await state();
    await rm(thing("plate"));
    await look();
    expect(await state()).toBe(before);
  });
});

describe("two previews", () => {
  const digest = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await kitchen.pulumi("preview", "--json", "--show-sames", ...args);
    expect(exitCode, stderr).toBe(0);
    return digestOf(previewJson.parse(JSON.parse(stdout)));
  };

  test("of the same changes have the same digest, and of others have another", async () => {
    const bob = ["--config", "kitchen:owner=bob"];
    const [nothing, first, second] = [await digest(), await digest(...bob), await digest(...bob)];
    expect(second).toBe(first);
    expect(await digest("--config", "kitchen:owner=eve")).not.toBe(first);
    expect(nothing).not.toBe(first);
  });
});
