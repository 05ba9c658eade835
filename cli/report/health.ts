import { type Html, html } from "../page/html.ts";
import { duration, hostName } from "../page/parts.ts";
import type { CheckReport, HostReport } from "./model.ts";
import { axis, percent, stateOf } from "./timeline.ts";

/** Hosts whose checks were asked, with each check's looks in time from the switch on. Pure. */
export function healthView(hosts: readonly HostReport[]): Html {
  const asked = hosts.filter(({ checks }) => checks.length > 0);
  if (asked.length === 0) return html`<p class="soft">No check was asked.</p>`;
  const isWell = ({ checks, trial }: HostReport) =>
    trial?.judged?.healthy !== false && checks.every(({ answers }) => answers.at(-1)?.healthy === true);
  const [ill, well] = [asked.filter((one) => !isWell(one)), asked.filter(isWell)];
  return html`<p class="soft">Each mark is a look; the same answer is recorded once a second at most. Seconds count from the switch, or from the first look where nothing was switched.</p>
${ill.map((report) => html`<div class="checks">${heading(report)}${looksView(report)}</div>`)}
${
  // Where there are many, those that went well are opened by who wants to see them.
  well.length === 1
    ? well.map((report) => html`<div class="checks">${heading(report)}${looksView(report)}</div>`)
    : well.map(
        (report) =>
          html`<details class="checks"><summary>${hostName(report.host)}: ${shortly(report)}</summary>${looksView(report)}</details>`,
      )
}`;
}

const heading = (report: HostReport): Html => html`<h3>${hostName(report.host)} ${stateOf(report)}</h3>`;

/** "2 checks healthy after 3.1 s and 4 looks, 1 of which failed". */
function shortly({ checks, trial }: HostReport): string {
  const answers = checks.flatMap(({ answers }) => answers);
  const from = trial?.from ?? Math.min(...answers.map((one) => one.from));
  const count = (of: typeof answers) => of.reduce((sum, { looks }) => sum + looks, 0);
  const failed = count(answers.filter(({ healthy }) => !healthy));
  const after = duration(Math.max(...checks.map(({ answers: of }) => of.at(-1)?.from ?? from)) - from);
  const noun = checks.length === 1 ? "check" : "checks";
  return `${checks.length} ${noun} healthy after ${after}${failed === 0 ? ", at the first look" : `; ${failed} of ${count(answers)} looks found otherwise`}`;
}

function looksView({ checks, trial }: HostReport): Html {
  const moments = checks.flatMap(({ answers }) => answers.flatMap(({ from, to }) => [from, to]));
  const from = Math.min(trial?.from ?? Number.POSITIVE_INFINITY, ...moments);
  const last = Math.max(trial?.judged?.at ?? 0, ...moments);
  // A look is a point: where there is only one, time has a length all the same.
  const to = Math.max(last, from + 0.1) + (last - from) * 0.02;
  const judged = trial?.judged;
  return html`${axis(from, to)}
<ul>${checks.map((check) => checkView(check, from, to, judged))}</ul>
${
  judged
    ? html`<p>Judged <strong>${judged.healthy ? "healthy" : "unhealthy"}</strong> ${duration(judged.at - from)} after the switch began${judged.because === undefined ? "" : html`: ${judged.because.split("\n")[0]}`}.</p>`
    : ""
}`;
}

function checkView(
  { check, address, answers }: CheckReport,
  from: number,
  to: number,
  judged: { at: number; healthy: boolean } | undefined,
): Html {
  const at = (moment: number) => percent(moment - from, to - from);
  return html`<li><div class="check-name">${check}${address === undefined ? "" : html` <span class="soft">at ${address}</span>`}</div>
<div class="strip" aria-hidden="true">${answers.map(
    ({ healthy, from: begin, to: end }) =>
      html`<span class="look ${healthy ? "good" : "bad"}" style="left:${at(begin)};width:${percent(end - begin, to - from)}"></span>`,
  )}${judged ? html`<span class="mark ${judged.healthy ? "good" : "bad"}" style="left:${at(judged.at)}"></span>` : ""}</div>
<ol class="answers">${answers.map(
    ({ healthy, because, from: begin, to: end, looks, took }) =>
      html`<li class="${healthy ? "good" : "bad"}"><strong>${healthy ? "healthy" : "not healthy"}</strong> ${when(begin - from, end - from, looks)}${took === undefined ? "" : `, answered in ${took} ms`}${because === undefined ? "" : html`: ${because}`}</li>`,
  )}</ol></li>`;
}

const when = (from: number, to: number, looks: number): string =>
  looks === 1 ? `at ${duration(from)}` : `from ${duration(from)} to ${duration(to)}, ${looks} looks`;
