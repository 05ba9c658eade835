import { type Html, html, type Part } from "../../page/html.ts";
import { badge, section } from "../../page/parts.ts";
import { countHosts, type LivePage } from "./model.ts";
import { hostPanel } from "./render-host.ts";
import { earlierRuns, newestRun } from "./render-run.ts";

/** A piece of the page that is sent anew when what it shows has changed. */
export interface LivePart {
  /** Of its element. */
  id: string;
  /** Differs when what it shows does. Ages are the page's own to count. */
  key: string;
  render: (now: Date) => Html;
}

/** The element that all others are in. */
export const whole = "live";

/** What the page is made of, in its order. Pure. */
export function partsOf(page: LivePage): LivePart[] {
  const { trouble, hosts, newest, earlier } = page;
  const part = (id: string, shown: unknown, render: LivePart["render"]): LivePart => ({
    id,
    key: JSON.stringify(shown) ?? "",
    render,
  });
  return [
    part("trouble", trouble, () => troubleOf(trouble)),
    part("update", newest, (now) => newestRun(newest, now)),
    part("count", countHosts(hosts), () => hostCount(page)),
    ...hosts.map((host) => part(hostId(host.host), host, (now) => hostPanel(hostId(host.host), host, now))),
    part("earlier", earlier, (now) => earlierRuns(earlier, now)),
  ];
}

const hostId = (host: string): string => `host-${host}`;

/** All parts in their places. Pure. */
export function wholePage(page: LivePage, now: Date): Html {
  const parts = partsOf(page);
  const made = (wanted: (id: string) => boolean): Part[] =>
    parts.filter(({ id }) => wanted(id)).map(({ render }) => render(now));
  const isHost = (id: string) => id.startsWith("host-");
  return html`<div id="${whole}">
${made((id) => id === "trouble" || id === "update")}
${section(
  "hosts",
  "Hosts",
  made((id) => id === "count"),
  html`<div class="hosts">${made(isHost)}</div>`,
)}
${made((id) => id === "earlier")}
</div>`;
}

const troubleOf = (trouble: string | undefined): Html =>
  html`<div id="trouble" role="status">${
    trouble === undefined
      ? ""
      : html`<p class="panel bad">${badge("bad", "the stack's state could not be read")} ${trouble} What is below is held against what was read before.</p>`
  }</div>`;

function hostCount({ hosts, every }: LivePage): Html {
  const { well, seen, all } = countHosts(hosts);
  const told =
    all === 0
      ? html`The stack has no hosts yet: its first update has not ended.`
      : seen < all
        ? html`${badge("busy", `${seen} of ${all} looked at`)} ${well} of them ${well === 1 ? "is" : "are"} well.`
        : well === all
          ? badge("good", `all hosts are well: ${all}`)
          : badge("bad", `${well} of ${all} hosts are well`);
  return html`<p id="count" role="status">${told} <span class="soft">Each is looked at anew every ${every} seconds.</span></p>`;
}
