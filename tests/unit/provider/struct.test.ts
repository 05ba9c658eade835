import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode, type Path } from "../../../provider/framework/struct.ts";
import type { Properties, Value } from "../../../provider/framework/types.ts";
import { secret, UNKNOWN } from "./client.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";

const { value } = fc.letrec<{ value: Value; object: Properties }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Value>(null, true, false),
    fc.double({ noNaN: true }),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.string({ minLength: 1 }), tie("value"), { maxKeys: 4, noNullPrototype: true }),
}));
const properties = fc.dictionary(fc.string({ minLength: 1 }), value, { maxKeys: 5, noNullPrototype: true });

/** Every path of a value, the top-level ones first. */
function pathsOf(of: Value, at: Path = []): Path[] {
  if (typeof of !== "object" || of === null) return at.length > 0 ? [at] : [];
  const entries: [string | number, Value][] = Array.isArray(of) ? [...of.entries()] : Object.entries(of);
  return [...(at.length > 0 ? [at] : []), ...entries.flatMap(([key, inner]) => pathsOf(inner, [...at, key]))];
}

describe("properties on the wire", () => {
  test("what is encoded is decoded again, secrets at their places", () => {
    fc.assert(
      fc.property(
        properties.chain((tree) => fc.tuple(fc.constant(tree), fc.subarray(pathsOf(tree)))),
        ([tree, paths]) => {
          const decoded = decode(encode(tree, { secrets: paths }));
          expect(decoded.properties).toEqual(tree);
          expect(decoded.unknowns).toBe(false);
          // A secret within a secret is one secret.
          const outermost = paths.filter(
            (path) =>
              !paths.some(
                (other) => other.length < path.length && other.every((key, at) => key === path[at]),
              ),
          );
          expect(new Set(decoded.secrets.map(String))).toEqual(new Set(outermost.map(String)));
        },
      ),
    );
  });

  test("nothing encoded holds undefined, which the wire cannot carry", () => {
    const gaps = fc.dictionary(fc.string({ minLength: 1 }), fc.option(value, { nil: undefined }));
    fc.assert(
      fc.property(gaps, fc.boolean(), (tree, unknowns) => {
        const holds = (one: unknown): boolean =>
          one === undefined || (typeof one === "object" && one !== null && Object.values(one).some(holds));
        expect(holds(encode(tree, { unknowns }))).toBe(false);
      }),
    );
  });

  test("a secret that is not where it was makes its whole property secret", () => {
    const encoded = encode({ environment: "TOKEN=hush", other: 1 }, { secrets: [["environment", "TOKEN"]] });
    expect(encoded).toEqual({ environment: secret("TOKEN=hush"), other: 1 });
  });

  test("a secret of a property that is not there hurts nobody", () => {
    expect(encode({ other: 1 }, { secrets: [["gone", "deep"]] })).toEqual({ other: 1 });
  });

  test("unknowns of every type are undefined, and undefined is unknown again where that is meant", () => {
    const { properties: read, unknowns } = decode({
      a: UNKNOWN,
      b: ["x", "3eeb2bf0-c639-47a8-9e75-3b44932eb421"],
      c: secret(UNKNOWN),
    });
    expect(read).toEqual({ a: undefined, b: ["x", undefined], c: undefined });
    expect(Object.keys(read)).toEqual(["a", "b", "c"]);
    expect(unknowns).toBe(true);
    expect(encode(read, { unknowns: true, secrets: [["c"]] })).toEqual({
      a: UNKNOWN,
      b: ["x", UNKNOWN],
      c: secret(UNKNOWN),
    });
    expect(encode(read)).toEqual({ b: ["x", null] });
  });

  test("an asset and a reference to a resource are carried through as they are", () => {
    const asset = { [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", hash: "ab", text: "hi" };
    const reference = { [SIGNATURE]: "5cf8f73096256a8f31e491e813e4eb8e", urn: "urn:x", id: "1" };
    expect(encode(decode({ asset, reference }).properties)).toEqual({ asset, reference });
  });

  test("an output value is its value, its secret and its being unknown", () => {
    const output = (fields: object) => ({ [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...fields });
    const decoded = decode({ a: output({ value: "v", secret: true }), b: output({}) });
    expect(decoded).toEqual({ properties: { a: "v", b: undefined }, secrets: [["a"]], unknowns: true });
  });

  test("a value of an unheard-of kind is refused with its place", () => {
    expect(() => decode({ a: { b: { [SIGNATURE]: "feed" } } })).toThrow(/^a\.b: .*signature feed/);
  });
});
