import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf } from "../../../../cli/comment/digest.ts";
import { type Preview, previewJson } from "../../../../cli/comment/preview.ts";

const names = ["nothing", "app", "type", "location", "reinstall", "rename", "volume"];
const read = (name: string): Preview =>
  previewJson.parse(JSON.parse(readFileSync(join(import.meta.dirname, "previews", `${name}.json`), "utf8")));
const stepOf = (preview: Preview, op: string) => {
  const step = preview.steps?.find((one) => one.op === op);
  if (!step?.newState) throw new Error(`no step that does ${op}`);
  return { step, newState: step.newState };
};

test("other changes have another digest", () => {
  expect(new Set(names.map((name) => digestOf(read(name)))).size).toBe(names.length);
});

test("the order in which they are told, and that of an object's keys, make no difference", () => {
  const preview = read("location");
  const digest = digestOf(preview);
  const turned = (value: unknown): unknown =>
    typeof value !== "object" || value === null
      ? value
      : Array.isArray(value)
        ? value.map(turned)
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, part]) => [key, turned(part)]),
          );
  fc.assert(
    fc.property(
      fc.shuffledSubarray(preview.steps ?? [], { minLength: preview.steps?.length ?? 0 }),
      (steps) => {
        expect(digestOf({ ...preview, steps })).toBe(digest);
        expect(digestOf({ ...preview, steps: steps.map((step) => turned(step) as typeof step) })).toBe(
          digest,
        );
      },
    ),
    { numRuns: 20 },
  );
});

const set = Object.assign;
const step = (preview: Preview, op: string) => stepOf(preview, op).step;
const inputs = (preview: Preview, op: string) => stepOf(preview, op).newState.inputs;

test.each<[string, (preview: Preview) => void]>([
  ["prices and words", ({ diagnostics }) => void diagnostics?.push({ severity: "info", message: "1 EUR" })],
  ["what is left as it is", (preview) => void set(inputs(preview, "same"), { x: "y" })],
])("%s make no difference", (_, change) => {
  const changed = read("app");
  change(changed);
  expect(changed).not.toEqual(read("app"));
  expect(digestOf(changed)).toBe(digestOf(read("app")));
});

test.each<[string, (preview: Preview) => void]>([
  ["an input of what is changed", (preview) => void set(inputs(preview, "update"), { toplevel: "y" })],
  ["why it is changed", (preview) => void step(preview, "update").diffReasons?.push("address")],
  ["whether it is protected", (preview) => void set(stepOf(preview, "update").newState, { protect: true })],
  ["what is done", (preview) => void set(step(preview, "update"), { op: "delete" })],
  ["one change more", (preview) => void set(step(preview, "same"), { op: "delete" })],
  ["one change less", (preview) => void set(step(preview, "update"), { op: "same" })],
])("%s makes another digest", (_, change) => {
  const changed = read("app");
  change(changed);
  expect(digestOf(changed)).not.toBe(digestOf(read("app")));
});
