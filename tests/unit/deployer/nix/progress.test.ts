import { describe, expect, test } from "vitest";
import { NixProgress, throttled } from "../../../../deployer/nix/progress.ts";

const path = (name: string) => `/nix/store/${"a".repeat(32)}-${name}`;
const nix = (event: object) => `@nix ${JSON.stringify(event)}`;
const start = (id: number, type: number, ...fields: (string | number)[]) =>
  nix({ action: "start", id, type, level: 3, parent: 0, text: "", fields });
const stop = (id: number) => nix({ action: "stop", id });
const result = (id: number, type: number, ...fields: (string | number)[]) =>
  nix({ action: "result", id, type, fields });
const error = (text: string) => nix({ action: "msg", level: 0, msg: `\u001b[31;1merror:\u001b[0m ${text}` });

function progressOf(...lines: string[]): NixProgress {
  const progress = new NixProgress();
  for (const line of lines) progress.take(line);
  return progress;
}

/** All builds: done, expected, running, failed. */
const builds = (...counts: number[]) => [start(1, 104), result(1, 105, ...counts)];

describe("where a build stands", () => {
  test.each<[string, string[], string]>([
    ["nothing yet", [], ""],
    [
      "the first of seven",
      [...builds(0, 7, 1, 0), start(2, 105, path("site-1.2.drv"), "", 1, 1)],
      "building site-1.2 (1 of 7)",
    ],
    [
      "the third, with what came from a cache",
      [
        ...builds(2, 7, 1, 0),
        start(5, 101, "url"),
        result(5, 105, 12_400_000, 0, 0, 0),
        stop(5),
        start(2, 105, path("site-1.2.drv"), "", 1, 1),
      ],
      "building site-1.2 (3 of 7), 12.4 MB fetched",
    ],
    [
      "two at once",
      [...builds(0, 7, 2, 0), start(2, 105, path("a.drv")), start(3, 105, path("b.drv"))],
      "building a and 1 more (1 of 7)",
    ],
    [
      "one ended",
      [
        ...builds(0, 7, 2, 0),
        start(2, 105, path("a.drv")),
        start(3, 105, path("b.drv")),
        stop(2),
        result(1, 105, 1, 7, 1, 0),
      ],
      "building b (2 of 7)",
    ],
    [
      "Nix tries fewer after one has failed",
      [...builds(0, 7, 1, 0), result(1, 105, 0, 4, 0, 1), start(3, 105, path("b.drv"))],
      "building b (2 of 5)",
    ],
    [
      "Nix finds that some are there already",
      [...builds(0, 7, 0, 0), result(1, 105, 0, 3, 1, 0), start(3, 105, path("b.drv"))],
      "building b (1 of 3)",
    ],
    [
      "Nix expects no more than it has tried",
      [...builds(2, 7, 0, 0), result(1, 105, 2, 0, 1, 3), start(3, 105, path("b.drv"))],
      "building b (5 of 5)",
    ],
    ["only fetching", [start(8, 108, path("bash-5.2"), "https://cache.example")], "fetching bash-5.2"],
    [
      "a kind that is not known",
      [start(9, 4711, 1), result(9, 4712, "x"), nix({ action: "dance" }), "@nix {"],
      "",
    ],
  ])("%s", (_, lines, line) => expect(progressOf(...lines).summary).toBe(line));
});

describe("what went wrong", () => {
  const twoHosts = [
    ...builds(0, 4, 2, 0),
    start(2, 105, path("bad-2.0.drv")),
    start(3, 105, path("fine.drv")),
    result(3, 101, "all is well"),
    result(2, 101, "\u001b[1mit broke\u001b[0m"),
    error(`builder for '\u001b[35;1m${path("bad-2.0.drv")}\u001b[0m' failed with exit code 3`),
    error(`1 dependencies of derivation '${path("web2.drv")}' failed to build`),
    error(`builder for '${path("other.drv")}' failed with exit code 4`),
  ];
  test("is told of what one host is built from, with the end of its log, and of nothing else", () => {
    const own = new Set([path("bad-2.0.drv"), path("web2.drv"), path("fine.drv")]);
    expect(progressOf(...twoHosts).trouble((drv) => own.has(drv))).toBe(
      [
        "bad-2.0> it broke",
        `error: builder for '${path("bad-2.0.drv")}' failed with exit code 3`,
        `error: 1 dependencies of derivation '${path("web2.drv")}' failed to build`,
      ].join("\n"),
    );
  });
  test("names the derivation whose log there is, and not what was to be built from it", () => {
    expect(progressOf(...twoHosts).broken()).toEqual([path("bad-2.0.drv")]);
    expect(progressOf(...twoHosts).broken((drv) => drv === path("web2.drv"))).toEqual([]);
  });
  test("is all of it where nothing that was said concerns the host", () => {
    expect(progressOf(error("no space left"), "warning: something in plain words").trouble(() => false)).toBe(
      "error: no space left\nwarning: something in plain words",
    );
  });
  test("is no more than thirty lines", () => {
    const long = Array.from({ length: 90 }, (_, index) => `line ${index}`);
    expect(
      progressOf(...long)
        .trouble()
        .split("\n"),
    ).toEqual(long.slice(-30));
  });
});

test("builders' lines are told with the name of what they build", () => {
  const told: string[] = [];
  const progress = new NixProgress((line) => told.push(line));
  progress.take(start(2, 105, path("site-1.2.drv")));
  progress.take(result(2, 101, "hello\u001b[0m"));
  progress.take(nix({ action: "msg", level: 3, msg: "these 4 derivations will be built:" }));
  expect(told).toEqual(["site-1.2> hello", "these 4 derivations will be built:"]);
});

test("each build that ended well is a reason to look at those that were begun", () => {
  const looks: string[][] = [];
  const progress = new NixProgress(undefined, (begun) => looks.push([...begun]));
  for (const line of [...builds(0, 3, 0, 0), start(2, 105, "a.drv"), start(3, 105, "b.drv")])
    progress.take(line);
  expect(looks).toEqual([]);
  for (const counts of [
    [1, 3, 1, 0],
    [1, 3, 1, 1],
  ])
    progress.take(result(1, 105, ...counts));
  expect(looks).toEqual([["a.drv", "b.drv"]]);
});

test("at most one line a second is told, and none twice", () => {
  let time = 0;
  const told: string[] = [];
  const tell = throttled((line) => told.push(line), { now: () => time });
  for (const [at, line] of [
    [0, "a"],
    [10, "b"],
    [999, "c"],
    [1_000, "a"],
    [1_001, "d"],
    [2_500, ""],
    [2_600, "d"],
  ] as const) {
    time = at;
    tell(line);
  }
  expect(told).toEqual(["a", "d"]);
});
