import { describe, expect, test } from "vitest";
import { datedCatalogue, toCents } from "../../../config/catalogue.ts";
import { locations as labLocations, serverTypes as labTypes } from "../../../lab/cloud/catalogue-data.ts";

const { serverTypes, locations, images, loadBalancerTypes } = datedCatalogue;
const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

describe("the dated catalogue", () => {
  test("names every type, location and load balancer once, and every image once an architecture", () => {
    for (const list of [serverTypes, locations, loadBalancerTypes])
      expect(new Set(names(list)).size).toBe(list.length);
    expect(new Set(images.map(({ name, architecture }) => `${name} ${architecture}`)).size).toBe(
      images.length,
    );
  });

  test("says when it was true and of what currency", () => {
    expect(datedCatalogue).toMatchObject({ date: "2026-09", currency: "EUR" });
    expect(datedCatalogue.source).toContain("2026");
  });

  test.each(serverTypes)("has sensible figures for $name", ({ name, cores, memory, disk, cpu, ...type }) => {
    expect(type.architecture).toBe(name.startsWith("cax") ? "aarch64-linux" : "x86_64-linux");
    expect(cpu).toBe(name.startsWith("ccx") ? "dedicated" : "shared");
    for (const figure of [cores, memory, disk]) expect(Number.isInteger(figure)).toBe(true);
    expect(memory).toBeGreaterThanOrEqual(cores);
    expect(disk).toBeGreaterThanOrEqual(40);
    expect(Object.keys(type.locations).length).toBeGreaterThan(0);
    for (const [location, { monthly, available }] of Object.entries(type.locations)) {
      expect(names(locations)).toContain(location);
      expect(available).toBe(true);
      if (monthly !== undefined) expect(monthly).toBe(toCents(monthly));
    }
  });

  test("knows prices of Germany and Finland alone", () => {
    const priced = [...serverTypes, ...loadBalancerTypes].flatMap((type) =>
      Object.entries(type.locations)
        .filter(([, { monthly }]) => monthly !== undefined)
        .map(([location]) => location),
    );
    expect(new Set(priced)).toEqual(new Set(["fsn1", "nbg1", "hel1"]));
  });

  test("asks more for more within a line of types", () => {
    // "cpx42": the letters are the line, the last digit its generation.
    const lineOf = (name: string) => name.replace(/\d+(?=\d$)/, "");
    for (const line of new Set(names(serverTypes).map(lineOf))) {
      const types = serverTypes.filter(({ name }) => lineOf(name) === line);
      for (const [index, type] of types.entries()) {
        const smaller = types[index - 1];
        if (!smaller) continue;
        expect(type.cores).toBeGreaterThanOrEqual(smaller.cores);
        const [more, less] = [type.locations.fsn1?.monthly, smaller.locations.fsn1?.monthly];
        if (more !== undefined && less !== undefined) expect(more).toBeGreaterThan(less);
      }
    }
  });

  test("is what the lab's cloud sells", () => {
    expect(names(labLocations)).toEqual(names(locations));
    for (const type of labTypes.filter(({ retired }) => retired === null)) {
      const listed = serverTypes.find(({ name }) => name === type.name);
      expect(listed).toMatchObject({
        cores: type.cores,
        memory: type.memory,
        disk: type.disk,
        cpu: type.cpu,
      });
      expect(Object.keys(listed?.locations ?? {})).toEqual(type.locations);
      const price = listed?.locations.fsn1?.monthly;
      if (price !== undefined) expect(type.monthly).toBe(price);
    }
  });
});
