import { expect, test } from "vitest";
import { summaryTable } from "../../../cli/summary-table.ts";

const path = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-web-26.05`;
const [old, wanted] = [path("a"), path("b")];

test("an update's table has what happened to each host, its releases, the time and the reason in one line", () => {
  const text = summaryTable([
    { host: "web1", outcome: "switched", before: old, after: wanted, wanted, seconds: 7.04 },
    { host: "web2", outcome: "unchanged", before: wanted, after: wanted, wanted },
    {
      host: "web3",
      outcome: "rolled back",
      before: old,
      after: old,
      wanted,
      seconds: 12,
      because: "GET http://web/ answered 500\nits journal",
    },
    { host: "web4", outcome: "not reached", wanted, seconds: 90, because: "no route to host" },
  ]);
  const rows = text.split("\n").map((line) => line.split(/ {2,}/));
  expect(rows).toEqual([
    ["host", "what happened", "release", "seconds", "why"],
    ["web1", "switched", "aaaaaa…-nixos-system-web-26.05 → bbbbbb…-nixos-system-web-26.05", "7.0", "-"],
    ["web2", "unchanged", "bbbbbb…-nixos-system-web-26.05", "-", "-"],
    ["web3", "rolled back", "aaaaaa…-nixos-system-web-26.05", "12.0", "GET http://web/ answered 500"],
    ["web4", "not reached", "?", "90.0", "no route to host"],
    [""],
    ["2 of 4 hosts run what is wanted; berth up goes on with the others."],
  ]);
});

test("an update that brought every host to what is wanted says so", () => {
  const text = summaryTable([
    { host: "web1", outcome: "verified", before: wanted, after: wanted, wanted, seconds: 1 },
  ]);
  expect(text).toContain("All hosts run what is wanted: 1.");
});
