import type { ToldFailure } from "../../../deployer/runs/events.ts";
import { type Html, html, type Part } from "../../page/html.ts";
import {
  badge,
  duration,
  hostName,
  lines,
  moment,
  outcomeBadge,
  section,
  storePath,
  table,
} from "../../page/parts.ts";
import { ago } from "./ago.ts";
import { type Doing, endedIn, type LiveRun, outcomesOf, type RunHost } from "./runs.ts";

/** What follows an update tells: nobody need wonder why another is not here. */
const source =
  "An update is followed by the record that berth up keeps in the folder it is begun in. That of pulumi up itself is in the project's folder, and begins with the first host that something is done to.";

/** The newest update: as it goes on, or as it ended. Pure. */
export function newestRun(run: LiveRun | undefined, now: Date): Html {
  if (!run)
    return section(
      "update",
      "Updates",
      html`<p class="soft">There is no record of an update of this stack yet. ${source}</p>`,
    );
  const ended = endedIn(run).length;
  const idle = run.hosts.filter(isIdle).map(({ host }) => host);
  return section(
    "update",
    run.running ? "The update that is running" : "The last update",
    html`<p role="status">${stateOf(run)} begun ${run.began === undefined ? "" : ago(run.began, now)}${
      run.running ? `; ${ended} of ${run.hosts.length} hosts are done` : tookOf(run)
    }. ${linkTo(run)}</p>`,
    html`<ul class="works">${run.hosts
      .filter((host) => !isIdle(host))
      .map((host) => workOn(host, now))}</ul>`,
    idle.length > 0 &&
      html`<p class="soft">${
        run.running ? "Not begun, or with nothing to do:" : "Not come to, or with nothing to do:"
      } ${idle.join(", ")}</p>`,
    html`<p class="soft">${source}</p>`,
  );
}

/** Nothing was done there, and nothing is wrong. */
const isIdle = ({ doing }: RunHost): boolean => doing === "not begun" || doing === "unchanged";

function stateOf(run: LiveRun): Html {
  if (run.running) return badge("busy", "running");
  const grave = outcomesOf(run)[0]?.doing;
  return grave === undefined || grave === "not begun" || grave === "unchanged"
    ? badge("quiet", "did nothing")
    : doingBadge(grave);
}

const goesOnAs = (doing: Doing): doing is "installing" | "working" | "on trial" =>
  ["installing", "working", "on trial"].includes(doing);

const doingBadge = (doing: Doing): Html =>
  goesOnAs(doing)
    ? badge("busy", doing)
    : doing === "not begun"
      ? badge("quiet", doing)
      : outcomeBadge(doing);

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

const tookOf = ({ began, latest }: LiveRun): string =>
  began === undefined || latest === undefined ? "" : `; it took ${duration(secondsBetween(began, latest))}`;

const linkTo = ({ name, report }: LiveRun): Part =>
  report && html`<a href="reports/${name}.html">Its report</a>`;

/** One host's part of an update. */
function workOn(work: RunHost, now: Date): Html {
  const { host, doing, before, after, wanted, began, ended, because, failure, steps } = work;
  const id = `work-${host}`;
  const last = steps.at(-1);
  const goesOn = goesOnAs(doing);
  const to = ended === undefined ? wanted : after;
  const change =
    before !== undefined && before !== to
      ? html`${storePath(before)} → ${storePath(to)}`
      : html`${goesOn ? "to " : ""}${storePath(to)}`;
  const time =
    began === undefined
      ? ""
      : ended === undefined
        ? html`begun ${ago(began, now)}`
        : `took ${duration(secondsBetween(began, ended))}`;
  return html`<li id="${id}">
<p>${hostName(host)} ${doingBadge(doing)} ${change} <span class="soft">${time}</span></p>
${goesOn && last ? html`<p class="now">${last.what} <span class="soft">${ago(last.at, now)}</span></p>` : ""}
${because === undefined ? "" : html`<p class="because">${because}</p>`}
${
  failure === undefined
    ? ""
    : html`<details id="${id}-error"><summary>The whole error</summary>${lines(`Error of ${host}`, textOf(failure))}</details>`
}
${
  steps.length === 0
    ? ""
    : html`<details id="${id}-steps"><summary>Steps: ${steps.length}</summary><ol class="steps">${steps.map(
        ({ at, what }) =>
          html`<li><time datetime="${at}">${began === undefined ? "" : `+${duration(secondsBetween(began, at))}`}</time> ${what}</li>`,
      )}</ol></details>`
}
</li>`;
}

const textOf = ({ tried, cameBack, stands, next }: ToldFailure): string =>
  [tried && `${tried}:`, cameBack, stands, next && `Next: ${next}`].filter(Boolean).join("\n");

/** Updates that are over, newest first. Pure. */
export function earlierRuns(runs: readonly LiveRun[], now: Date): Html {
  if (runs.length === 0) return html`<div id="earlier"></div>`;
  return section(
    "earlier",
    "Earlier updates",
    table(
      "Earlier updates, newest first",
      ["begun", "hosts", "took", "report"],
      runs.map((run) => {
        const { name, began, latest } = run;
        return [
          began === undefined ? name : html`${moment(began)} <span class="soft">${ago(began, now)}</span>`,
          outcomesOf(run).map(({ doing, count }) => html`${doingBadge(doing)} ${count} `),
          began === undefined || latest === undefined ? "" : duration(secondsBetween(began, latest)),
          linkTo(run) || "",
        ];
      }),
    ),
  );
}
