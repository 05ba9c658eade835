import { type Html, html } from "../page/html.ts";
import { badge, duration, hostName, outcomeBadge, table } from "../page/parts.ts";
import type { HostReport, Report } from "./model.ts";
import { type Phase, phaseKinds } from "./phases.ts";
import { roomFor } from "./room.ts";

/** Seconds between two marks of an axis: the smallest of these that makes no more than six of them. */
const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200];

/** Marks of an axis over so many seconds. Pure. */
export function marksOf(seconds: number): number[] {
  const step = steps.find((one) => seconds / one <= 6) ?? Math.ceil(seconds / 6 / 3_600) * 3_600;
  return Array.from({ length: Math.floor(seconds / step + 1e-9) + 1 }, (_, index) => index * step);
}

/** "1.5 s" or "2 min" on an axis. */
const markName = (seconds: number): string =>
  seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${Number(seconds.toFixed(1))} s`;

/** A place on an axis, in percent of it. */
export const percent = (value: number, whole: number): string =>
  `${(whole > 0 ? Math.min(100, Math.max(0, (value / whole) * 100)) : 0).toFixed(3)}%`;

/** The marks of an axis. What is told by sight alone: each bar says its time itself. */
export const axis = (from: number, to: number): Html => {
  const length = to - from;
  const marks = marksOf(length);
  return html`<div class="axis" aria-hidden="true">${marks.map(
    (mark) =>
      html`<span class="${mark / length > 0.92 ? "last" : ""}" style="left:${percent(mark, length)}">${markName(mark)}</span>`,
  )}</div>`;
};

/** The badge of a host. */
export const stateOf = ({ outcome }: HostReport): Html =>
  outcome === "not recorded" ? badge("quiet", outcome) : outcomeBadge(outcome);

/** What a phase is called, with its time. */
const told = ({ name, from, to, cutOff }: Phase): string =>
  `${name}, ${duration(to - from)} from ${duration(from)} on${cutOff ? ", cut off" : ""}`;

/** Every host with its phases, on one axis; and the same as a table. Pure. */
export function timeline({ hosts, seconds }: Report): Html {
  const busy = hosts.filter(({ phases }) => phases.length > 0);
  const idle = hosts.filter(({ phases }) => phases.length === 0);
  const rest =
    idle.length === 0
      ? ""
      : html`<p class="soft">Nothing was done on ${idle.map(({ host }) => host).join(", ")}.</p>`;
  if (busy.length === 0) return html`${rest}`;
  const kinds = new Set(busy.flatMap(({ phases }) => phases.map(({ kind }) => kind)));
  return html`
<ul class="legend" aria-label="Kinds of work">${Object.entries(phaseKinds)
    .filter(([kind]) => kinds.has(kind as Phase["kind"]))
    .map(([kind, words]) => html`<li><span class="swatch k-${kind}"></span>${words}</li>`)}${
    busy.some(({ trial }) => trial) ? html`<li><span class="swatch on-trial"></span>on trial</li>` : ""
  }</ul>
${axis(0, seconds)}
<ol class="lanes">${busy.map((host, index) => lane(host, index, seconds))}</ol>
${rest}
<details><summary>The timeline as a table</summary>${table(
    "Phases of every host",
    ["host", "phase", "from", "to", "took", "what was told"],
    busy.flatMap(({ host, phases }) =>
      phases.map(({ name, from, to, steps: said, cutOff }) => [
        host,
        cutOff ? `${name} (cut off)` : name,
        duration(from),
        duration(to),
        duration(to - from),
        said.length > 3 ? `${said[0]} … ${said.at(-1)}` : said.join("; "),
      ]),
    ),
  )}</details>`;
}

function lane(report: HostReport, index: number, seconds: number): Html {
  const { host, phases, trial } = report;
  const place = (from: number, to: number) =>
    `left:${percent(from, seconds)};width:${percent(to - from, seconds)}`;
  const id = (phase: number) => `phase-${index}-${phase}`;
  return html`<li class="lane">
<div class="lane-head">${hostName(host)} ${stateOf(report)} <span class="number soft">${duration(lengthOf(phases))}</span></div>
<div class="track" role="group" aria-label="Phases of ${host}">${phases.map(
    (phase, at) =>
      html`<a class="bar k-${phase.kind}${phase.cutOff ? " cut-off" : ""}" href="#${id(at)}" aria-label="${host}: ${told(phase)}" style="${place(phase.from, phase.to)}"><span aria-hidden="true" class="${roomFor(phase.name)}">${phase.name}</span></a>`,
  )}</div>
${
  trial
    ? html`<div class="trial" aria-hidden="true"><div class="${verdictTone(report)}" style="${place(trial.from, trial.to)}"></div>${
        trial.judged
          ? html`<span class="${trial.judged.healthy ? "good" : "bad"}" style="left:${percent(trial.judged.at, seconds)}"></span>`
          : ""
      }</div>`
    : ""
}
<ol class="phases">${phases.map(
    ({ kind, name, from, to, cutOff }, at) =>
      html`<li id="${id(at)}"><span class="swatch k-${kind}"></span>${name} <span class="number">${duration(to - from)}</span>${cutOff ? " (cut off)" : ""}</li>`,
  )}</ol>
${trial ? html`<p class="soft">${trialWords(report, trial)}</p>` : ""}
</li>`;
}

/** From the first to the last of them, what was waited for included. */
const lengthOf = (phases: readonly Phase[]): number => (phases.at(-1)?.to ?? 0) - (phases[0]?.from ?? 0);

const verdictTone = ({ outcome }: HostReport): string =>
  outcome === "switched" || outcome === "verified" ? "good" : outcome === "interrupted" ? "warn" : "bad";

function trialWords({ outcome }: HostReport, { from, to, judged }: NonNullable<HostReport["trial"]>): string {
  const onTrial = `On trial from ${duration(from)} to ${duration(to)}`;
  const verdict = judged
    ? `judged ${judged.healthy ? "healthy" : "unhealthy"} at ${duration(judged.at)}`
    : "no verdict is recorded";
  return `${onTrial}; ${verdict}; ${outcome === "switched" || outcome === "verified" ? "kept" : outcome}.`;
}
