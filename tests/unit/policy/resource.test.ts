import fc from "fast-check";
import { expect, test } from "vitest";
import { fits, known, nameOf, stackOf, text } from "../../../policy/resource.ts";
import { resource, unknown } from "./resources.ts";

test("what is not known before an update reads as nothing, and any other error is one", () => {
  const { props } = resource("a:b:C", "one", { id: unknown, name: "prod-web1" });
  expect(known(() => props["name"])).toBe("prod-web1");
  expect(known(() => props["id"])).toBeUndefined();
  expect(text({ props }, "id")).toBe("");
  expect(() =>
    known(() => {
      throw new TypeError("a mistake");
    }),
  ).toThrow("a mistake");
});

test.each([
  ["its name at Hetzner", { name: "prod-web1" }, "prod-web1"],
  ["Pulumi's, where that is not known", { name: unknown }, "web1-server"],
  ["Pulumi's, where it has none", {}, "web1-server"],
])("a resource is called by %s", (_, props, expected) => {
  expect(nameOf(resource("a:b:C", "web1-server", props))).toBe(expected);
});

test("the stack is the URN's, whatever the resource is called", () => {
  expect(stackOf("urn:pulumi:prod::berth::pulumi:pulumi:Stack::berth-prod")).toBe("prod");
  expect(stackOf("urn:pulumi:prod-eu::berth::a:b:C$d:e:F::one::two")).toBe("prod-eu");
});

test.each([
  ["prod", ["prod*"], true],
  ["prod-eu", ["prod*"], true],
  ["preprod", ["prod*"], false],
  ["preprod", ["*prod"], true],
  ["prod", ["stage", "prod"], true],
  ["prod", [], false],
  ["prod.eu", ["prod.eu"], true],
  ["prodXeu", ["prod.eu"], false],
  ["prod-web1-ssh", ["prod-*-ssh"], true],
])("%s among %j: %s", (name, patterns, expected) => {
  expect(fits(name, patterns)).toBe(expected);
});

test("a name without * fits itself, and * whatever it begins", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, rest) => {
      fc.pre(!name.includes("*"));
      expect(fits(name, [name])).toBe(true);
      expect(fits(name + rest, [`${name}*`])).toBe(true);
      expect(fits(`${name}!`, [name])).toBe(false);
    }),
  );
});
