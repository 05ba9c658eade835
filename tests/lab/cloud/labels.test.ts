import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Labels,
  labelKeyProblem,
  labelValueProblem,
  matches,
  parseSelector,
} from "../../../lab/cloud/labels.ts";

const holds = (labels: Labels, selector: string) => matches(labels, parseSelector(selector));

test.each([
  ["env=prod", { env: "prod" }, true],
  ["env==prod", { env: "test" }, false],
  ["env = prod", { env: "prod" }, true],
  ["env!=prod", { env: "test" }, true],
  ["env!=prod", {}, true],
  ["env", { env: "" }, true],
  ["env", {}, false],
  ["!env", {}, true],
  ["!env", { env: "x" }, false],
  ["env in (prod, test)", { env: "test" }, true],
  ["env in (prod,test)", {}, false],
  ["env notin (prod,test)", { env: "dev" }, true],
  ["env notin (prod,test)", {}, true],
  ["env notin (prod,test)", { env: "prod" }, false],
  ["env in (prod,test),!old,tier==web", { env: "prod", tier: "web" }, true],
  ["env in (prod,test),!old", { env: "prod", old: "" }, false],
  ["example.org/app=site", { "example.org/app": "site" }, true],
  ["env=", { env: "" }, true],
  ["", { any: "thing" }, true],
  ["toString", {}, false],
] as const)("'%s' on %j is %s", (selector, labels, expected) => {
  expect(holds(labels, selector)).toBe(expected);
});

test.each(["env=prod=x", "=prod", "env in prod", "env in (a", "env,", ",", "a b", "env=(x)", "-env", "!"])(
  "'%s' is refused with the field's name",
  (selector) => {
    expect(() => parseSelector(selector)).toThrow(
      expect.objectContaining({ code: "invalid_input", status: 422 }),
    );
  },
);

test.each([
  ["a".repeat(63), true],
  ["a".repeat(64), false],
  ["-a", false],
  ["a-", false],
  ["a_b.c-d", true],
  ["example.org/a", true],
  ["Example.org/a", false],
  ["hetzner.cloud/a", false],
  ["/a", false],
  ["", false],
])("label key '%s' is allowed: %s", (key, allowed) =>
  expect(labelKeyProblem(key) === undefined).toBe(allowed),
);

test.each([
  ["", true],
  ["a".repeat(63), true],
  ["a".repeat(64), false],
  ["a b", false],
  [".a", false],
])("label value '%s' is allowed: %s", (value, allowed) =>
  expect(labelValueProblem(value) === undefined).toBe(allowed),
);

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/);
const labels = fc.dictionary(word, word, { maxKeys: 4 });

test("a selector holds exactly when each of its conditions does", () => {
  const condition = fc.oneof(
    fc.tuple(word, word).map(([k, v]) => ({ text: `${k}=${v}`, test: (l: Labels) => l[k] === v })),
    fc.tuple(word, word).map(([k, v]) => ({ text: `${k}!=${v}`, test: (l: Labels) => l[k] !== v })),
    word.map((k) => ({ text: k, test: (l: Labels) => Object.hasOwn(l, k) })),
    word.map((k) => ({ text: `!${k}`, test: (l: Labels) => !Object.hasOwn(l, k) })),
    fc
      .tuple(word, fc.array(word, { minLength: 1, maxLength: 3 }))
      .map(([k, vs]) => ({ text: `${k} in (${vs})`, test: (l: Labels) => vs.includes(l[k] ?? "-") })),
    fc.tuple(word, fc.array(word, { minLength: 1, maxLength: 3 })).map(([k, vs]) => ({
      text: `${k} notin (${vs.join(" , ")})`,
      test: (l: Labels) => !vs.includes(l[k] ?? "-"),
    })),
  );
  fc.assert(
    fc.property(labels, fc.array(condition, { minLength: 1, maxLength: 4 }), (set, conditions) => {
      const selector = conditions.map(({ text }) => text).join(",");
      expect(holds(set, selector)).toBe(conditions.every(({ test: each }) => each(set)));
    }),
  );
});

test("no text makes the parser fail in another way than by 422", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseSelector(text);
      } catch (error) {
        expect(error).toMatchObject({
          code: "invalid_input",
          details: { fields: [{ name: "label_selector" }] },
        });
      }
    }),
  );
});
