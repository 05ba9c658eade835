import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findProject, parseYaml, projectOf, stackFile, stackFileOf, stacksOf } from "../../../cli/project.ts";
import { encrypted } from "../../../config/secrets.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-project-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

describe("a project", () => {
  test("is found from a folder below it, with its stacks by name", () => {
    write("Pulumi.yaml", "name: site\n");
    for (const stack of ["prod", "a.b", "lab"]) write(`Pulumi.${stack}.yaml`, "");
    mkdirSync(join(folder, "app/src"), { recursive: true });
    const project = projectOf(join(folder, "app/src"));
    expect(project).toEqual({ folder, name: "site", stacksIn: folder });
    expect(stacksOf(project)).toEqual(["a.b", "lab", "prod"]);
  });

  test("may have its stacks' files elsewhere, and a stack's name an organisation", () => {
    write("Pulumi.yaml", "name: site\nstackConfigDir: stacks\n");
    expect(stackFileOf(projectOf(folder), "acme/site/prod")).toBe(join(folder, "stacks/Pulumi.prod.yaml"));
  });

  test("that is not there is told with what to do", () => {
    expect(findProject(folder)).toBeUndefined();
    expect(() => projectOf(folder)).toThrow(/has a Pulumi\.yaml\. Next: .*berth init/);
  });
});

describe("a stack's file", () => {
  test.each<[string, unknown, ReturnType<typeof stackFile>]>([
    ["text", { "berth:flake": "." }, { values: { "berth:flake": "." }, secretKeys: [] }],
    ["a truth value", { "berth:protect": false }, { values: { "berth:protect": "false" }, secretKeys: [] }],
    ["a key of the project's own", { note: "x" }, { values: { "site:note": "x" }, secretKeys: [] }],
    [
      "a secret",
      { "hcloud:token": { secure: "v1:abc" } },
      { values: { "hcloud:token": encrypted }, secretKeys: ["hcloud:token"] },
    ],
    [
      "secrets in a map",
      { "berth:secrets": { a: { secure: "v1:abc" }, b: "plain" } },
      {
        values: { "berth:secrets": JSON.stringify({ a: encrypted, b: "plain" }) },
        secretKeys: ["berth:secrets"],
      },
    ],
    [
      "a secret in a list, and a key called secure among others",
      { "berth:x": [{ secure: "v1:abc" }, { secure: true, other: 1 }] },
      {
        values: { "berth:x": JSON.stringify([encrypted, { secure: true, other: 1 }]) },
        secretKeys: ["berth:x"],
      },
    ],
  ])("with %s gives what the engine would hand over", (_name, config, expected) => {
    expect(stackFile({ config }, "site")).toEqual(expected);
  });

  test.each([undefined, null, "text", [], { config: null }])("that holds %j has no values", (content) => {
    expect(stackFile(content, "site")).toEqual({ values: {}, secretKeys: [] });
  });

  test("that is no YAML is told with the line", () => {
    expect(parseYaml("config:\n  a: [1\n  b: 2\n").problems.join()).toMatch(/line [23]/);
    expect(parseYaml("config:\n  a: 1\n  a: 2\n").problems).toEqual([
      expect.stringMatching(/Map keys must be unique at line 3, column 3/),
    ]);
  });
});
