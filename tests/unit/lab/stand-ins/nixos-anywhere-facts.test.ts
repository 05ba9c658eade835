import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { factsFrom, missingTool } from "../../../../lab/stand-ins/nixos-anywhere-facts.ts";

const answer = `isOs=Linux
isArch=x86_64
isInstaller=n
isContainer=systemd-nspawn
isRoot=y
hasIpv6Only=n
hasTar=y
hasCpio=y
hasSudo=n
hasDoas=n
hasWget=n
hasCurl=y
hasSetsid=y
`;

describe("the facts of a target", () => {
  test("are found among what the login prints", () => {
    expect(factsFrom(`Welcome!\n${answer}\nPATH=/bin\n`)).toMatchObject({ isOs: "Linux", hasCurl: "y" });
  });

  test.each([
    ["no answer", "", /Retrieving host facts via SSH failed/],
    ["a fact left out", answer.replace("hasCpio=y\n", ""), /fact hasCpio/],
    ["a fact without a value", answer.replace("isArch=x86_64", "isArch="), /fact isArch/],
  ])("%s is an error in words", (_, text, words) => {
    expect(factsFrom(text)).toMatch(words);
  });

  test.each([
    ["hasTar=y", "hasTar=n", /no tar command/],
    ["hasCpio=y", "hasCpio=n", /no cpio command/],
    ["hasSetsid=y", "hasSetsid=n", /no setsid command/],
    ["isOs=Linux", "isOs=FreeBSD", /requires Linux/],
  ])("a target with %s changed to %s cannot be installed", (from, to, words) => {
    const facts = factsFrom(answer.replace(from, to));
    if (typeof facts === "string") throw new Error(facts);
    expect(missingTool(facts)).toMatch(words);
  });

  test("the script that gathers them tells them all, on this very machine", () => {
    const script = new URL("../../../../lab/stand-ins/nixos-anywhere-facts.sh", import.meta.url).pathname;
    expect(factsFrom(execFileSync("sh", [script], { encoding: "utf8" }))).toMatchObject({ isInstaller: "n" });
  });
});
