import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { madePage, ours, page } from "../../../docs/.vitepress/components/made.ts";
import { componentsPage } from "../../../docs/.vitepress/components/page.ts";
import { readComponents } from "../../../docs/.vitepress/components/read.ts";

const read = (text: string, more: Record<string, string> = {}) =>
  readComponents(new Map(Object.entries({ "thing.ts": text, ...more })));

const thing = `
export interface Way {
  /** Where it is. */
  address: string;
  /** Its port. @default 22 */
  port?: number;
}
export interface ThingArgs extends Way {
  /**
   * How many | how
   * few.
   * @default "<none>"
   * @example { a: 1 }
   */
  count?: pulumi.Input<
    // a remark
    { /** inner */ a: number; }
  >;
  /** Another port. */
  port: number | undefined;
  kept: Kept;
}
interface Place {
  /** Where it ended up. */
  readonly at: string;
}
/** A <thing> of \`<T>\`. */
export class Thing extends pulumi.ComponentResource implements Place {
  readonly at: string;
  readonly #hidden: string;
  private readonly alsoHidden: string;
  constructor(name: string, args: ThingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:test:Thing", name, {}, opts);
  }
}
export class NoResource {}`;
const kept = {
  "kept.ts":
    "/** Kept. */\nexport interface Kept { /** Its key. */ key: Deeper }\nexport interface Deeper { x: 1 }\nexport interface Unnamed { y: 2 }",
};

test("what a component says of itself is read: own and inherited arguments, outputs, shapes that are named", () => {
  const { components, shapes } = read(thing, kept);
  const none = { default: undefined, example: undefined };
  expect(components).toEqual([
    {
      name: "Thing",
      file: "thing.ts",
      type: "berth:test:Thing",
      kind: "component",
      description: "A <thing> of `<T>`.",
      args: [
        {
          name: "count",
          type: "pulumi.Input<{ a: number }>",
          optional: true,
          description: "How many | how few.",
          default: '"<none>"',
          example: "{ a: 1 }",
        },
        { name: "port", type: "number", optional: true, description: "Another port.", ...none },
        { name: "kept", type: "Kept", optional: false, description: "", ...none },
        { name: "address", type: "string", optional: false, description: "Where it is.", ...none },
      ],
      outputs: [{ name: "at", type: "string", optional: false, description: "Where it ended up.", ...none }],
    },
  ]);
  expect(shapes.map(({ name }) => name)).toEqual(["Deeper", "Kept"]);
});

test("a base, arguments or a type that cannot be found are an error", () => {
  expect(() => read(thing.replace("extends Way", "extends Gone"), kept)).toThrow("ThingArgs extends Gone");
  expect(() => read(thing.replace("args: ThingArgs", "args: Gone"), kept)).toThrow("no file declares Gone");
  expect(() => read(thing.replace('super("berth:test:Thing"', "super(type"), kept)).toThrow(
    "Thing has no type",
  );
});

test("nothing that is written becomes a tag or a column", () => {
  const { components, shapes } = read(thing, kept);
  const made = componentsPage(components, shapes, "..");
  expect(made).toContain("A &lt;thing> of `<T>`.");
  expect(made).toContain("How many \\| how few.");
  expect(made).toContain("Example: `{ a: 1 }` |");
});

test("the page is what the components say", () => {
  expect(readFileSync(page, "utf8"), "npm run docs:components writes it anew").toBe(madePage());
});

test("every component, argument, output and field is described", () => {
  const { components, shapes } = ours();
  const fields = [
    ...components.flatMap(({ name, args, outputs }) =>
      [...args, ...outputs].map((one) => ({ of: name, ...one })),
    ),
    ...shapes.flatMap(({ name, fields }) => fields.map((one) => ({ of: name, ...one }))),
  ];
  expect(components.length).toBeGreaterThan(25);
  expect(fields.filter(({ description, type }) => !description || !type)).toEqual([]);
  expect(components.filter(({ description }) => !description)).toEqual([]);
});
