import type { Contestant, Series } from "./measure.ts";
import type { PulumiTimes } from "./pulumi.ts";
import { ratios, type Spread, spreadOf } from "./statistics.ts";

const seconds = ({ median, min, max }: Spread): string =>
  `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;

/** What Berth may take at most, as a part of what the floor takes. */
export function goalOf({ case: which }: Pick<Series, "case">): number {
  return { unchanged: 0.5, app: 1.0, large: 1.1 }[which];
}

/** Markdown: a row a case, with medians, spread and the ratio of each pair of runs. */
export function releaseTable(series: readonly Series[]): string {
  const rows = series.map((one) => {
    const ratio = spreadOf(ratios(one.seconds.berth, one.seconds.floor));
    return [
      one.case,
      `${one.hosts}`,
      `${one.latency} ms`,
      seconds(spreadOf(one.seconds.floor)),
      seconds(spreadOf(one.seconds.berth)),
      `**${ratio.median.toFixed(2)}** (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
      `≤ ${goalOf(one).toFixed(1)}`,
      `${one.seconds.berth.length}${one.disturbed > 0 ? `, ${one.disturbed} disturbed` : ""}`,
    ];
  });
  return table(
    ["change", "hosts", "added round trip", "floor, s", "Berth, s", "Berth ÷ floor", "goal", "pairs"],
    rows,
  );
}

/** Markdown: what a run costs the processors, which the hosts share with the deployer here as they do nowhere else. */
export function processorTable(series: readonly Series[]): string {
  const middle = (numbers: readonly number[]) => spreadOf(numbers).median.toFixed(2);
  const rows = series.map(({ processor, ...one }) => [
    one.case,
    `${one.hosts}`,
    `${one.latency} ms`,
    ...(["floor", "berth"] as const).flatMap((who) => [
      middle(processor[who].map(({ all }) => all)),
      middle(processor[who].map(({ here }) => here)),
    ]),
  ]);
  const columns = ["floor: all", "floor: deployer", "Berth: all", "Berth: deployer"];
  return table(["change", "hosts", "added round trip", ...columns.map((name) => `${name}, s`)], rows);
}

/** Markdown: what one release of one host says over ssh; empty when nothing was counted. */
export function countTable(series: readonly Series[]): string {
  const shown = (one: Series, who: Contestant): string[] => {
    const passed = one.passed[who];
    return passed ? [`${passed.connections}`, `${passed.turns}`, `${Math.round(passed.sent / 1000)}`] : [];
  };
  const rows = series
    .filter(({ hosts, passed }) => hosts === 1 && passed.floor && passed.berth)
    .map((one) => [one.case, `${one.latency} ms`, ...shown(one, "floor"), ...shown(one, "berth")]);
  if (rows.length === 0) return "";
  const columns = ["handshakes", "turns", "kB sent"];
  return table(
    [
      "change",
      "added round trip",
      ...columns.map((name) => `floor: ${name}`),
      ...columns.map((name) => `Berth: ${name}`),
    ],
    rows,
  );
}

/** Markdown: what Berth's program adds to a run of the engine that finds nothing to do. */
export function pulumiTable({ counts, preview, up, memory }: PulumiTimes): string {
  const rows = Object.entries({ preview, up })
    .filter(([, { berth, bare }]) => berth.length > 0 && bare.length > 0)
    .map(([verb, { berth, bare }]) => {
      const share = spreadOf(ratios(bare, berth).map((part) => (1 - part) * 100));
      return [
        `pulumi ${verb}`,
        seconds(spreadOf(bare)),
        seconds(spreadOf(berth)),
        `**${share.median.toFixed(0)} %** (${share.min.toFixed(0)}–${share.max.toFixed(0)})`,
        "≤ 20 %",
        `${berth.length}`,
      ];
    });
  const resources = counts.components + counts.hcloud + counts.others;
  return [
    table(["nothing to do", "bare program, s", "Berth's, s", "Berth's own share", "goal", "pairs"], rows),
    `\n${resources} resources each: ${counts.components} components, ${counts.hcloud} of Hetzner's provider, ${counts.others} others. `,
    `Berth's provider has had ${memory.first.toFixed(0)} MB resident at most in the update that installs and deploys a host, ${memory.unchanged.toFixed(0)} MB in one that does nothing.\n`,
  ].join("");
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
