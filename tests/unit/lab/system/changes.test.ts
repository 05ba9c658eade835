import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const program = new URL("../../../../lab/system/toplevel/changes.sh", import.meta.url).pathname;

/** A unit tree: file name to text; null is a mask. */
type Tree = Record<string, string | null>;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "changes-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function changes(old: Tree, wanted: Tree, active: string[]): string[] {
  for (const [name, tree] of [
    ["old", old],
    ["new", wanted],
  ] as const) {
    mkdirSync(join(folder, name));
    for (const [file, text] of Object.entries(tree)) {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      if (text === null) symlinkSync("/dev/null", path);
      else writeFileSync(path, text);
    }
  }
  const output = execFileSync("sh", [program, join(folder, "old"), join(folder, "new")], {
    input: active.map((unit) => `${unit}\n`).join(""),
    encoding: "utf8",
  });
  return output.split("\n").filter((line) => line !== "");
}

const unit = (service: string, head = "", own = "") =>
  `[Unit]\nDescription=A\n${head}\n[Service]\nExecStart=${service}\n${own}\n`;
const socket = "[Socket]\nListenStream=/run/a.sock\n";

describe("what a switch does to the units that run", () => {
  test.each<[string, Tree, Tree, string[], string[]]>([
    [
      "the same unit is left alone",
      { "a.service": unit("/1") },
      { "a.service": unit("/1") },
      ["a.service"],
      [],
    ],
    [
      "a changed service is stopped before and started after",
      { "a.service": unit("/1") },
      { "a.service": unit("/2") },
      ["a.service"],
      ["stop a.service", "start a.service"],
    ],
    [
      "a changed service that must not be stopped early is restarted in one step",
      { "a.service": unit("/1") },
      { "a.service": unit("/2", "", "X-StopIfChanged=false") },
      ["a.service"],
      ["restart a.service"],
    ],
    [
      "behind a socket it is restarted too, and the socket stays",
      { "a.service": unit("/1", "", "X-StopIfChanged=false"), "a.socket": socket },
      { "a.service": unit("/2", "", "X-StopIfChanged=false"), "a.socket": socket },
      ["a.service", "a.socket"],
      ["restart a.service"],
    ],
    [
      "stopped early behind a socket, the socket is closed with it and started instead of it",
      { "a.service": unit("/1"), "a.socket": socket },
      { "a.service": unit("/2"), "a.socket": socket },
      ["a.service", "a.socket"],
      ["stop a.service", "stop a.socket", "start a.socket"],
    ],
    [
      "a changed socket is left as it listens",
      { "a.service": unit("/1"), "a.socket": socket },
      { "a.service": unit("/1"), "a.socket": socket.replace("a.sock", "b.sock") },
      ["a.service", "a.socket"],
      [],
    ],
    ["a unit that is gone is stopped", { "a.service": unit("/1") }, {}, ["a.service"], ["stop a.service"]],
    [
      "a unit that is masked now is stopped",
      { "a.service": unit("/1") },
      { "a.service": null },
      ["a.service"],
      ["stop a.service"],
    ],
    [
      "a unit that asks to stay is not stopped when it is gone",
      { "a.service": unit("/1", "X-StopOnRemoval=false") },
      {},
      ["a.service"],
      [],
    ],
    [
      "a changed unit that does not run is left alone",
      { "a.service": unit("/1") },
      { "a.service": unit("/2") },
      [],
      [],
    ],
    [
      "a unit of neither tree is left alone",
      { "a.service": unit("/1") },
      { "a.service": unit("/1") },
      ["b.service"],
      [],
    ],
    [
      "a description has no effect on a running unit",
      { "a.service": unit("/1") },
      { "a.service": unit("/1").replace("=A", "=B") },
      ["a.service"],
      [],
    ],
    [
      "a reload trigger reloads",
      { "a.service": unit("/1", "X-Reload-Triggers=1") },
      { "a.service": unit("/1", "X-Reload-Triggers=2") },
      ["a.service"],
      ["reload a.service"],
    ],
    [
      "a restart trigger restarts",
      { "a.service": unit("/1", "X-Restart-Triggers=1", "X-StopIfChanged=false") },
      { "a.service": unit("/1", "X-Restart-Triggers=2", "X-StopIfChanged=false") },
      ["a.service"],
      ["restart a.service"],
    ],
    [
      "a changed unit that is only ever reloaded is reloaded",
      { "a.service": unit("/1") },
      { "a.service": unit("/2", "", "X-ReloadIfChanged=true") },
      ["a.service"],
      ["reload a.service"],
    ],
    [
      "a changed unit that must not be restarted is told of and left alone",
      { "a.service": unit("/1") },
      { "a.service": unit("/2", "", "X-RestartIfChanged=false") },
      ["a.service"],
      ["skip a.service"],
    ],
    [
      "what stands in another section than NixOS reads it in says nothing",
      { "a.service": unit("/1") },
      { "a.service": unit("/2", "X-RestartIfChanged=false") },
      ["a.service"],
      ["stop a.service", "start a.service"],
    ],
    [
      "an instance of a template that must not be restarted is left, and stopped when the template is gone",
      { "a@.service": unit("/1"), "b@.service": unit("/1") },
      { "a@.service": unit("/2", "", "X-RestartIfChanged=false") },
      ["a@one.service", "b@one.service"],
      ["skip a@one.service", "stop b@one.service"],
    ],
    [
      "a drop-in counts as part of the unit, also of one from the distribution",
      { "a.service.d/x.conf": "[Service]\nNice=1\n" },
      { "a.service.d/x.conf": "[Service]\nNice=2\n" },
      ["a.service"],
      ["stop a.service", "start a.service"],
    ],
    [
      "an instance follows its template",
      { "a@.service": unit("/1") },
      { "a@.service": unit("/2") },
      ["a@one.service"],
      ["stop a@one.service", "start a@one.service"],
    ],
    [
      "a changed target is not stopped",
      { "a.target": "[Unit]\nAfter=b\n" },
      { "a.target": "[Unit]\nAfter=c\n" },
      ["a.target"],
      [],
    ],
  ])("%s", (_, old, wanted, active, expected) => {
    expect(changes(old, wanted, active)).toEqual(expected);
  });
});
