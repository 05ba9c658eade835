import { size } from "../../../deployer/compare/describe.ts";
import { describeHold } from "../../../deployer/release/hold.ts";
import { type Html, html, type Part } from "../../page/html.ts";
import { badge, healthBadge, hostName, storePath, table } from "../../page/parts.ts";
import type { Release } from "../../releases.ts";
import type { HostStatus } from "../judge.ts";
import { ago } from "./ago.ts";
import type { SeenHost } from "./watch-hosts.ts";

/** All that is known of a host. Pure. */
export function hostPanel(id: string, { host, address, looking, seen }: SeenHost, now: Date): Html {
  const looked = seen
    ? html`seen ${ago(seen.at, now)}${looking ? ", being looked at" : ""}`
    : "being looked at for the first time";
  return html`<article id="${id}" class="panel ${toneOf(seen?.status)}" aria-labelledby="${id}-name">
<h3 id="${id}-name">${hostName(host)} ${stateOf(seen?.status)} <span class="soft">${address}; ${looked}</span></h3>
${seen ? [wrongIn(seen.status), factsOf(seen.status, now), more(id, seen.status, seen.releases, now)] : ""}
</article>`;
}

function toneOf(status: HostStatus | undefined): "busy" | "good" | "warn" | "bad" {
  if (!status) return "busy";
  if (status.well) return "good";
  return status.reached && status.checks.every(({ healthy }) => healthy) ? "warn" : "bad";
}

function stateOf(status: HostStatus | undefined): Html {
  const tone = toneOf(status);
  if (!status) return badge(tone, "not seen yet");
  if (!status.reached) return badge(tone, "not reached");
  return badge(tone, status.well ? "well" : "not well");
}

const wrongIn = ({ wrong }: HostStatus): Part =>
  wrong.length > 0 && html`<ul class="wrong">${wrong.map((line) => html`<li>${line}</li>`)}</ul>`;

/** What `berth status` has in its columns. */
function factsOf(status: HostStatus, now: Date): Part {
  if (!status.reached) return "";
  const { release, generation, keptAt, checks, drift, rebootDue, failedUnits, disks, certificates, held } =
    status;
  const bad = checks.filter(({ healthy }) => !healthy).length;
  const facts: [string, Part][] = [
    ["release", storePath(release)],
    [
      "generation",
      generation === null
        ? "none is kept of it"
        : html`${generation}${keptAt === null ? "" : html`, kept ${ago(keptAt, now)}`}`,
    ],
    [
      "health",
      checks.length === 0
        ? "no check"
        : html`${healthBadge(bad === 0)} ${checks.length - bad} of ${checks.length}`,
    ],
    ["drift", drift.length > 0 ? badge("warn", drift.join(", ")) : "no"],
    ["reboot", rebootDue.length > 0 ? html`${badge("warn", "due")} ${rebootDue.join(", ")}` : "not due"],
    ["failed units", failedUnits.length > 0 ? failedUnits.join(", ") : "none"],
    ...disks.map(({ at, size: all, free }): [string, Part] => [
      `${at} free`,
      `${size(free)}, ${all > 0 ? Math.floor((free / all) * 100) : 0} %`,
    ]),
    ...certificates.map(({ name, daysLeft, refused }): [string, Part] => [
      `TLS ${name}`,
      refused === undefined ? `${daysLeft ?? 0} days left` : badge("bad", "refused"),
    ]),
  ];
  return html`<dl class="facts">${facts.map(
    ([name, fact]) => html`<div><dt>${name}</dt><dd>${fact}</dd></div>`,
  )}${
    held &&
    html`<div class="whole"><dt>held</dt><dd>${storePath(held.toplevel)} ${describeHold(held)}</dd></div>`
  }</dl>`;
}

/** What takes room: its checks by name, and the releases it can return to. */
function more(id: string, { checks }: HostStatus, releases: readonly Release[], now: Date): Part {
  return [
    checks.length > 0 &&
      html`<details id="${id}-checks"><summary>Checks: ${checks.length}</summary><ul>${checks.map(
        ({ check, healthy, because }) =>
          html`<li><code>${check}</code> ${healthBadge(healthy)} ${because ?? ""}</li>`,
      )}</ul></details>`,
    releases.length > 0 &&
      html`<details id="${id}-releases"><summary>Releases: ${releases.length}</summary>${table(
        "Releases that the host can return to",
        ["generation", "kept", "label", "release", "now"],
        releases.map((one) => [
          one.generation,
          ago(one.keptAt, now),
          one.label ?? "",
          storePath(one.release),
          marksOf(one),
        ]),
      )}</details>`,
  ];
}

const marksOf = ({ runs, boots, held }: Release): Part => {
  const marks = [
    runs && badge("good", "runs"),
    boots && badge("quiet", "boots next"),
    held && badge("warn", "held"),
  ].filter((mark) => mark !== false);
  return marks.length === 0 ? "" : marks.map((mark) => html`${mark} `);
};
