import { type Html, html } from "../page/html.ts";
import { badge, hostName, lines } from "../page/parts.ts";
import type { HostReport } from "./model.ts";
import { stateOf } from "./timeline.ts";

/** What did not go well: what was tried, what came back, where things stand, what to do; with the journals of what failed. Pure. */
export function failuresView(hosts: readonly HostReport[]): Html {
  return html`${hosts.flatMap((report) => (report.failure ? [failureView(report, report.failure)] : []))}`;
}

function failureView(report: HostReport, failure: NonNullable<HostReport["failure"]>): Html {
  const { host, outcome } = report;
  const { tried, cameBack, stands, next, units, during } = failure;
  const [first = "", ...rest] = cameBack.trim().split("\n");
  const mild = ["interrupted", "held", "unchanged"].includes(outcome);
  const row = (name: string, text: string | undefined) =>
    text === undefined || text === "" ? "" : html`<dt>${name}</dt><dd>${text}</dd>`;
  return html`<article class="panel ${mild ? "warn" : "bad"}"><h3>${hostName(host)} ${during === "installation" ? badge("bad", "not installed") : stateOf(report)}</h3>
<dl>${row("Tried", tried ?? (during === "installation" ? "install NixOS" : undefined))}${row("What came back", first)}${row("Where it stands", stands)}${row("What to do", next)}</dl>
${rest.length > 0 ? lines(`What came back from ${host}, in full`, rest.join("\n")) : ""}
${units.map(
  ({ unit, journal }) =>
    html`<h4>The end of ${unit}’s journal</h4>${lines(`Journal of ${unit} on ${host}`, journal)}`,
)}</article>`;
}
