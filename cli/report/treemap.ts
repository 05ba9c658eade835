import { hierarchy, treemap as layout } from "d3-hierarchy";
import { size } from "../../deployer/compare/describe.ts";
import type { PackageSize } from "../../deployer/runs/events.ts";
import { type Html, html } from "../page/html.ts";
import { bytes, storePath, table } from "../page/parts.ts";
import type { ClosureReport } from "./model.ts";
import { roomFor } from "./room.ts";

/** Width by height of the picture, in parts: what a page on a desk has. A narrow page shows it higher, in the same proportions. */
const [width, height] = [1_000, 480];
/** The largest packages that are tiles of their own, and those that changed beside them. */
const [most, mostChanged] = [44, 20];
/** Of the whole; what is smaller would be a line. */
const smallest = 0.0015;

export interface Tile {
  name: string;
  bytes: number;
  state: PackageSize["state"] | "rest";
  /** Percent of the picture. */
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where each package lies, by its size; the small ones are one tile. Pure. */
export function tilesOf(packages: readonly PackageSize[]): Tile[] {
  const total = packages.reduce((sum, one) => sum + one.bytes, 0);
  if (total <= 0) return [];
  const bySize = packages.toSorted((one, other) => other.bytes - one.bytes);
  const seen = bySize.filter((one) => one.bytes >= total * smallest);
  const largest = seen.slice(0, most);
  const changed = seen.slice(most).filter(({ state }) => state !== "same");
  const shown = [...largest, ...changed.slice(0, mostChanged)];
  const rest = packages.length - shown.length;
  const restBytes = total - shown.reduce((sum, one) => sum + one.bytes, 0);
  const leaves: Pick<Tile, "name" | "bytes" | "state">[] = [
    ...shown.map(({ name, bytes: count, state }) => ({ name, bytes: count, state })),
    ...(restBytes > 0
      ? [{ name: `${rest} smaller packages`, bytes: restBytes, state: "rest" as const }]
      : []),
  ];
  type Node = Partial<Tile> & { children?: Node[] };
  const root = hierarchy<Node>({ children: leaves })
    .sum((node) => node.bytes ?? 0)
    .sort((one, other) => (other.value ?? 0) - (one.value ?? 0));
  return layout<Node>()
    .size([width, height])(root)
    .leaves()
    .map(({ data, x0, x1, y0, y1 }) => ({
      name: data.name ?? "",
      bytes: data.bytes ?? 0,
      state: data.state ?? "rest",
      left: (x0 / width) * 100,
      top: (y0 / height) * 100,
      width: ((x1 - x0) / width) * 100,
      height: ((y1 - y0) / height) * 100,
    }));
}

const states = { same: "the same", changed: "changed", new: "new", rest: "small ones together" } as const;
const signs = { same: "", changed: "≠ ", new: "+ ", rest: "" } as const;

const signed = (count: number): string => (count > 0 ? `+${size(count)}` : size(count));
const versions = (list: readonly string[]): string => list.map((one) => one || "no version").join(", ");

/** A system by packages: a picture, what changed as a table, and the largest new paths. Pure. */
export function closureView(closure: ClosureReport, index: number): Html {
  const { hosts, toplevel, before, packages, newPaths } = closure;
  const tiles = tilesOf(packages);
  const changes = changesOf(closure);
  const kinds = new Set(tiles.map(({ state }) => state));
  const shown = changes.slice(0, 60);
  return html`<h3>${hosts.join(", ")}</h3>
<p>${storePath(toplevel)}: ${bytes(closure.bytes)} in ${closure.paths} paths${
    before
      ? html`, ${signed(closure.bytes - before.bytes)} beside ${storePath(before.toplevel)}`
      : "; what ran before is not known here, so nothing is marked as changed"
  }.</p>
<ul class="legend" aria-label="Kinds of packages">${Object.entries(states)
    .filter(([state]) => kinds.has(state as Tile["state"]))
    .map(
      ([state, words]) =>
        html`<li><span class="swatch s-${state}"></span>${signs[state as Tile["state"]]}${words}</li>`,
    )}</ul>
<a class="skip" href="#after-closure-${index}">Past the picture</a>
<ul class="treemap${tiles.length < 8 ? " few" : ""}" aria-label="Packages of ${hosts.join(", ")} by size">${tiles.map(
    (tile) =>
      html`<li class="tile s-${tile.state}" tabindex="0" aria-label="${tile.name}, ${size(tile.bytes)}, ${states[tile.state]}" title="${tile.name}, ${size(tile.bytes)}, ${states[tile.state]}" style="left:${tile.left.toFixed(3)}%;top:${tile.top.toFixed(3)}%;width:${tile.width.toFixed(3)}%;height:${tile.height.toFixed(3)}%"><span aria-hidden="true" class="${roomFor(signs[tile.state] + tile.name, size(tile.bytes))}">${signs[tile.state]}${tile.name} <small>${size(tile.bytes)}</small></span></li>`,
  )}</ul>
<div id="after-closure-${index}" tabindex="-1">${
    changes.length > 0
      ? table(
          `What changes on ${hosts.join(", ")}`,
          ["package", "what", "versions", "size", "difference"],
          shown.map(({ name, what, versions: text, bytes: count, difference }) => [
            name,
            what,
            text,
            count === undefined ? "" : bytes(count),
            html`<span class="number">${signed(difference)}</span>`,
          ]),
        )
      : before
        ? html`<p class="soft">No package changes.</p>`
        : ""
  }${changes.length > shown.length ? html`<p class="soft">And ${changes.length - shown.length} more.</p>` : ""}</div>
${
  newPaths.length > 0
    ? html`<details><summary>The largest paths that are new (${newPaths.length})</summary>${table(
        "New paths",
        ["path", "size"],
        newPaths.map(({ path, bytes: count }) => [html`<code>${path}</code>`, bytes(count)]),
      )}</details>`
    : ""
}`;
}

interface Change {
  name: string;
  what: "new" | "changed" | "gone";
  versions: string;
  bytes?: number;
  difference: number;
}

/** What differs from the system before, the largest difference first. */
function changesOf({ packages, gone }: ClosureReport): Change[] {
  const changes: Change[] = packages.flatMap(({ name, bytes: count, state, versions: now, before }) => {
    if (state === "same") return [];
    const text =
      before && versions(before.versions) !== versions(now)
        ? `${versions(before.versions)} → ${versions(now)}`
        : `${versions(now)}${before ? ", built otherwise" : ""}`;
    return [{ name, what: state, versions: text, bytes: count, difference: count - (before?.bytes ?? 0) }];
  });
  const removed: Change[] = gone.map(({ name, bytes: count, versions: old }) => ({
    ...{ name, what: "gone", versions: versions(old), difference: -count },
  }));
  return [...changes, ...removed].toSorted(
    (one, other) => Math.abs(other.difference) - Math.abs(one.difference),
  );
}
