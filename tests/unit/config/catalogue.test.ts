import { describe, expect, test } from "vitest";
import { findServerType, ipv4Monthly, locations, serverTypes } from "../../../config/catalogue.ts";

describe("the catalogue", () => {
  test("names every type once and finds it by its name", () => {
    expect(new Set(serverTypes.map(({ name }) => name)).size).toBe(serverTypes.length);
    for (const type of serverTypes) expect(findServerType(type.name)).toBe(type);
    expect(findServerType("cx99")).toBeUndefined();
    expect(findServerType("constructor")).toBeUndefined();
  });

  test.each(serverTypes)(
    "has sensible figures for $name",
    ({ name, cores, memory, disk, monthly, ...type }) => {
      expect(type.architecture).toBe(name.startsWith("cax") ? "aarch64-linux" : "x86_64-linux");
      for (const figure of [cores, memory, disk]) expect(Number.isInteger(figure)).toBe(true);
      expect(memory).toBeGreaterThanOrEqual(cores * 2);
      expect(disk).toBeGreaterThanOrEqual(40);
      expect(monthly).toBeGreaterThan(ipv4Monthly);
      // Cents, not fractions of them.
      expect(Math.abs(monthly * 100 - Math.round(monthly * 100))).toBeLessThan(1e-6);
      expect(type.locations.length).toBeGreaterThan(0);
      for (const location of type.locations) expect(locations).toContain(location);
    },
  );

  test("asks more for more within a line of types", () => {
    for (const line of new Set(serverTypes.map(({ name }) => name.replace(/\d+$/, "")))) {
      const types = serverTypes.filter(({ name }) => name.replace(/\d+$/, "") === line);
      for (const [index, type] of types.entries()) {
        const smaller = types[index - 1];
        if (smaller) {
          expect(type.cores).toBeGreaterThanOrEqual(smaller.cores);
          expect(type.monthly).toBeGreaterThan(smaller.monthly);
        }
      }
    }
  });
});
