import { readFileSync } from "node:fs";
import { join } from "node:path";
import { size } from "../../deployer/compare/describe.ts";
import { documentOf } from "../page/document.ts";
import { type Html, html } from "../page/html.ts";
import { badge, duration, hostName, moment, section, storePath, table } from "../page/parts.ts";
import { failuresView } from "./failures.ts";
import { healthView } from "./health.ts";
import type { HostReport, Report } from "./model.ts";
import { stateOf, timeline } from "./timeline.ts";
import { closureView } from "./treemap.ts";

let style: string | undefined;

/** A report as one file of HTML, which asks no network for anything. Pure but for its stylesheets. */
export function reportPage(report: Report): string {
  const { stack, began, seconds, hosts, closures } = report;
  const failed = hosts.filter(({ failure }) => failure);
  style ??= readFileSync(join(import.meta.dirname, "report.css"), "utf8");
  return documentOf({
    title: stack === "" ? "An update" : `Update of ${stack}`,
    beside: html`${moment(began)}${seconds > 0 ? `, ${duration(seconds)}` : ""}. ${headline(report)}`,
    style,
    main: [
      failed.length > 0 ? section("failures", "What went wrong", failuresView(hosts)) : "",
      section("hosts", "Hosts", hostsTable(hosts)),
      section("timeline", "Timeline", timeline(report)),
      hosts.some(({ checks }) => checks.length > 0)
        ? section("health", "Health over the switch", healthView(hosts))
        : "",
      closures.length > 0
        ? section("closures", "What the systems are made of", closures.map(closureView))
        : "",
    ],
  });
}

/** How it went, in a line. */
function headline({ hosts, exitCode }: Report): Html {
  const done = hosts.filter((host) => host.done === true).length;
  const all = done === hosts.length;
  const count = all
    ? `all hosts run what is wanted: ${done}`
    : `${done} of ${hosts.length} hosts run what is wanted`;
  const ended =
    exitCode === undefined
      ? "The record has no end: the update was cut off, or was not berth up."
      : exitCode === 0
        ? ""
        : `The command ended with ${exitCode}.`;
  return html`${badge(all ? "good" : "bad", count)} ${ended}`;
}

function hostsTable(hosts: readonly HostReport[]): Html {
  return table(
    "Hosts of the update",
    ["host", "what happened", "release", "took", "to copy", "why"],
    hosts.map((report) => [
      hostName(report.host),
      stateOf(report),
      release(report),
      report.seconds === undefined ? "" : html`<span class="number">${duration(report.seconds)}</span>`,
      report.lacked
        ? html`<span class="number">${report.lacked.paths} paths, ${size(report.lacked.bytes)}</span>`
        : "",
      why(report),
    ]),
  );
}

/** In a line. */
const why = ({ because, failure }: HostReport): string =>
  ((failure?.during === "installation" ? failure.cameBack : because) ?? "").split("\n")[0] ?? "";

function release({ before, after }: HostReport): Html {
  if (before === undefined && after === undefined) return storePath(undefined);
  return before === after
    ? storePath(after)
    : html`<span class="number">${storePath(before)} → ${storePath(after)}</span>`;
}
