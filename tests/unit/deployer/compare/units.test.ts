import { expect, test } from "vitest";
import { compareUnits } from "../../../../deployer/compare/units.ts";

const service = (exec: string, unit = "", own = "") =>
  `[Unit]\n${unit}\n[Service]\nExecStart=${exec}\n${own}\n`;
const compare = (before: Record<string, string>, after: Record<string, string>, started: string[] = []) =>
  compareUnits(new Map(Object.entries(before)), new Map(Object.entries(after)), new Set(started));

test.each<[string, string, string, string | undefined]>([
  ["another command restarts it", service("a"), service("b"), "restart"],
  ["the same settings leave it alone", service("a"), service("a"), undefined],
  [
    "another description leaves it alone",
    service("a", "Description=x"),
    service("a", "Description=y"),
    undefined,
  ],
  ["another documentation leaves it alone", service("a"), service("a", "Documentation=man:a"), undefined],
  ["a comment leaves it alone", service("a"), `# why\n${service("a")}`, undefined],
  [
    "another place in the boot leaves it alone",
    service("a"),
    `${service("a")}[Install]\nWantedBy=x\n`,
    undefined,
  ],
  ["another order restarts it", service("a"), service("a", "After=b.service"), "restart"],
  [
    "another reload trigger reloads it",
    service("a", "X-Reload-Triggers=1"),
    service("a", "X-Reload-Triggers=2"),
    "reload",
  ],
  ["a unit that asks for it is reloaded", service("a"), service("b", "", "X-ReloadIfChanged=true"), "reload"],
  ["a unit that forbids it is left", service("a"), service("b", "", "X-RestartIfChanged=false"), "leave"],
  [
    "what stands in another section than NixOS reads it in says nothing",
    service("a"),
    service("b", "X-RestartIfChanged=false"),
    "restart",
  ],
  ["a unit that refuses to be stopped is left", service("a"), service("b", "RefuseManualStop=yes"), "leave"],
  [
    "a unit that forbade it before and no longer does is restarted",
    service("a", "", "X-RestartIfChanged=false"),
    service("b"),
    "restart",
  ],
])("%s", (_, before, after, verb) => {
  const expected = verb === undefined ? [] : [{ unit: "a.service", verb }];
  expect(compare({ "a.service": before }, { "a.service": after })).toEqual(expected);
});

test("a continued line is one setting", () => {
  const [one, two] = ["[Service]\nExecStart=a \\\n  b\n", "[Service]\nExecStart=a    b\n"];
  expect(compare({ "a.service": one }, { "a.service": two })).toEqual([]);
});

test("a unit that is gone is stopped, unless it forbids that", () => {
  expect(
    compare({ "a.service": service("a"), "b.service": service("b", "X-StopOnRemoval=false") }, {}),
  ).toEqual([{ unit: "a.service", verb: "stop" }]);
});

test("a new unit is started where something asks for it", () => {
  const after = { "a.service": service("a"), "b.service": service("b") };
  expect(compare({}, after, ["a.service"])).toEqual([{ unit: "a.service", verb: "start" }]);
});

test("targets, slices and sockets are not touched, mounts are reloaded", () => {
  const before = {
    "a.socket": "[Socket]\nBacklog=1\n",
    "a.target": "[Unit]\nAfter=x\n",
    "a.slice": "[Slice]\nCPUWeight=1\n",
    "a.mount": "[Mount]\nWhat=x\n",
  };
  const after = {
    "a.socket": "[Socket]\nBacklog=2\n",
    "a.target": "[Unit]\nAfter=y\n",
    "a.slice": "[Slice]\nCPUWeight=2\n",
    "a.mount": "[Mount]\nWhat=y\n",
  };
  expect(compare(before, after)).toEqual([{ unit: "a.mount", verb: "reload" }]);
});
