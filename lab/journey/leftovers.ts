import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { LabPlaces } from "../folder.ts";
import { labNames } from "../machines/names.ts";
import { processesOf } from "./processes.ts";

const collections = ["servers", "primary_ips", "firewalls", "ssh_keys"] as const;

/** What the cloud still has, e.g. ["servers: lab-web1"]. */
export async function cloudLeftovers(env: Record<string, string>): Promise<string[]> {
  const left = await Promise.all(
    collections.map(async (collection) => {
      const response = await fetch(`${env.HCLOUD_ENDPOINT}/${collection}`, {
        headers: { authorization: `Bearer ${env.HCLOUD_TOKEN}` },
        signal: AbortSignal.timeout(10_000),
      });
      const body = z.record(z.string(), z.unknown()).parse(await response.json());
      const found = z.array(z.object({ name: z.string() })).parse(body[collection]);
      return found.map(({ name }) => `${collection}: ${name}`);
    }),
  );
  return left.flat();
}

/** What is left of a lab on this machine after its reset. */
export async function labLeftovers(places: LabPlaces): Promise<string[]> {
  const { namespace, namespacePath, link } = labNames(places.folder);
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return [
    ...(existsSync(places.folder) ? [`folder ${places.folder}`] : []),
    ...(existsSync(namespacePath) ? [`network namespace ${namespace}`] : []),
    ...(existsSync(`/sys/class/net/${link}`) ? [`network link ${link}`] : []),
    ...mounts.filter((line) => line.includes(` ${places.folder}/`)).map((line) => `mount ${line}`),
    ...(await processesOf(places.folder)).map((line) => `process ${line}`),
  ];
}
