import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entriesOf } from "../../../lab/cloud/dns-text.ts";
import type { ZoneSpec } from "../../../lab/cloud/driver.ts";
import type { TestCloud } from "./client.ts";

/** Programs that read a zone file as a name server does, in the order they are looked for. */
const checkers = [
  (zone: string, file: string) => ["kzonecheck", "-o", zone, file],
  (zone: string, file: string) => ["nsd-checkzone", zone, file],
  (zone: string, file: string) => ["named-checkzone", zone, file],
];

/** What a name server has against the zones. Without one on this machine only the form is read. */
export function zoneComplaints(zones: readonly ZoneSpec[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "zones-"));
  try {
    return zones.flatMap(({ name, text }) => {
      entriesOf(text);
      const file = join(folder, "zone");
      writeFileSync(file, text);
      for (const checker of checkers) {
        const [command = "", ...args] = checker(name, file);
        const result = spawnSync(command, args, {
          encoding: "utf8",
          env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/bin` },
        });
        if (result.error === undefined) {
          return result.status === 0 ? [] : [`${name}: ${result.stdout}${result.stderr}`];
        }
      }
      return [];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The values served for each record set of a zone, by "name/type". */
export function served(cloud: TestCloud, zone: string): Record<string, string[]> {
  const text = cloud.driver.zones.find(({ name }) => name === zone)?.text ?? "";
  const sets: Record<string, string[]> = {};
  for (const { words } of entriesOf(text)) {
    const [name = "", ...rest] = words.map((word) => word.text);
    if (!name.startsWith("$")) {
      const type = rest.findIndex((word) => /^[A-Z]+$/.test(word) && word !== "IN");
      const key = `${name}/${rest[type]}`;
      sets[key] = [...(sets[key] ?? []), rest.slice(type + 1).join(" ")];
    }
  }
  return sets;
}
