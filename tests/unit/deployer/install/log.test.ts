import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { InstallLog } from "../../../../deployer/install/log.ts";

let folder: string;
let file: string;
const printed: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-log-"));
  file = join(folder, "deep/down/install.log");
  printed.length = 0;
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    printed.push(String(chunk));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe("the log of an install", () => {
  test("keeps details in the file alone, each with its time", () => {
    const log = new InstallLog(file);
    log.keep("copying path");
    log.close();
    expect(printed).toEqual([]);
    expect(readFileSync(file, "utf8")).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z copying path\n$/);
  });

  test("says phases to people and to the file", () => {
    const log = new InstallLog(file);
    expect(log.phase).toBe("start");
    log.say("looking at the host");
    log.close();
    expect(printed.join("")).toMatch(/^ +0\.\d s {2}looking at the host\n$/);
    expect(readFileSync(file, "utf8")).toContain("looking at the host\n");
    expect(log.phase).toBe("looking at the host");
  });

  test("cuts long lines for people, not in the file", () => {
    const log = new InstallLog(file);
    const long = "x".repeat(200_000);
    log.say(long);
    log.close();
    expect(printed.join("").length).toBeLessThan(200);
    expect(printed.join("")).toMatch(/x{160}\n$/);
    expect(readFileSync(file, "utf8")).toContain(long);
  });

  test("is for its owner alone, in a folder for its owner alone", () => {
    new InstallLog(file).close();
    expect(existsSync(file)).toBe(true);
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(statSync(join(folder, "deep")).mode & 0o077).toBe(0);
  });

  test("goes on where an earlier run ended", () => {
    for (const line of ["first", "second"]) {
      const log = new InstallLog(file);
      log.keep(line);
      log.close();
    }
    expect(readFileSync(file, "utf8")).toMatch(/first\n.*second\n$/);
  });

  test("knows its last lines", () => {
    const log = new InstallLog(file);
    for (let line = 1; line <= 80; line++) log.keep(`line ${line}`);
    expect(log.tail(2)).toBe("line 79\nline 80");
    expect(log.tail(1_000).split("\n")).toHaveLength(50);
    log.close();
  });
});
