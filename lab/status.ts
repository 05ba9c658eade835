import { existsSync } from "node:fs";
import { z } from "zod";
import { cloudAnswers, cloudProcess } from "./cloud-process.ts";
import { cloudAccess } from "./environment.ts";
import type { LabPlaces } from "./folder.ts";
import { daemonInfo } from "./machines-process.ts";

export interface LabServer {
  id: number;
  name: string;
  ipv4: string | null;
  ipv6: string | null;
  /** As the cloud has it: "running", "off", … */
  state: string;
  /** What runs on it: "debian", "installer" or "installed"; "-" when nothing does. */
  system: string;
}

/** What of a lab runs. */
export interface LabStatus {
  folder: string;
  exists: boolean;
  cloud: { pid: number | undefined; url: string } | undefined;
  machines: { pid: number; namespace: string; bridge: string; ipv4: string; ipv6: string } | undefined;
  /** Undefined when the cloud does not answer. */
  servers: LabServer[] | undefined;
}

/** The part of the cloud's answer that is shown. */
const page = z.object({
  servers: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      status: z.string(),
      public_net: z.object({
        ipv4: z.object({ ip: z.string() }).nullable(),
        ipv6: z.object({ ip: z.string() }).nullable(),
      }),
    }),
  ),
  meta: z.object({ pagination: z.object({ next_page: z.int().nullable() }) }),
});

export async function statusOf(places: LabPlaces): Promise<LabStatus> {
  const exists = existsSync(places.folder);
  const [info, answers] = await Promise.all([daemonInfo(places), cloudAnswers(places)]);
  const access = answers ? await cloudAccess(places) : undefined;
  const running = new Map(info?.machines.map((machine) => [machine.id, machine.current?.boot]));
  const servers = access ? await listServers(access) : undefined;
  return {
    folder: places.folder,
    exists,
    cloud: access && { pid: await cloudProcess(places), url: access.url },
    machines: info && {
      pid: info.pid,
      namespace: info.namespace,
      bridge: info.bridge,
      ipv4: info.network.ipv4,
      ipv6: info.network.ipv6,
    },
    servers: servers?.map((server) => ({
      id: server.id,
      name: server.name,
      ipv4: server.public_net.ipv4?.ip ?? null,
      ipv6: server.public_net.ipv6?.ip ?? null,
      state: server.status,
      system: running.get(server.id) ?? "-",
    })),
  };
}

async function listServers({ url, token }: { url: string; token: string }) {
  const servers: z.infer<typeof page>["servers"] = [];
  for (let number: number | null = 1; number !== null; ) {
    const answer: Response = await fetch(`${url}/servers?per_page=50&page=${number}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
    });
    const { servers: some, meta } = page.parse(await answer.json());
    servers.push(...some);
    number = meta.pagination.next_page;
  }
  return servers;
}

/** A lab's status as lines for people. */
export function statusLines(status: LabStatus): string[] {
  if (!status.exists) return [`lab       ${status.folder}: not there. Next: npm run lab -- up`];
  const { cloud, machines, servers } = status;
  const rows = [
    ["lab", status.folder],
    ["cloud", cloud ? `${cloud.url} (process ${cloud.pid ?? "unknown"})` : "down"],
    ["machines", machines ? `up (process ${machines.pid})` : "down"],
    ["network", machines ? `${machines.ipv4}, ${machines.ipv6} in namespace ${machines.namespace}` : "none"],
  ];
  const lines = rows.map(([name = "", value]) => `${name.padEnd(10)}${value}`);
  if (!servers) return lines;
  if (servers.length === 0) return [...lines, `${"servers".padEnd(10)}none`];
  const header = ["server", "id", "ipv4", "ipv6", "state", "system"];
  const cells = servers.map((s) => [s.name, String(s.id), s.ipv4 ?? "-", s.ipv6 ?? "-", s.state, s.system]);
  return [...lines, "", ...table([header, ...cells])];
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
