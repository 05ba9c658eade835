import type { Look } from "./look.ts";

/** What was kept of a service when it was deployed. */
export interface Kept {
  container: string;
  imageId: string;
}

/** What is not as it was left, each in a few words; empty where all is well. Pure. */
export function driftOf({ container, imageId }: Kept, found: Look): string[] {
  const running = found.containers.find(({ name }) => name === container);
  const others = found.containers.filter(({ name, running: runs }) => name !== container && runs);
  const told: string[] = [];
  if (!running) told.push(`the container ${container} is gone`);
  else if (running.status === "restarting") told.push(`${container} keeps restarting`);
  else if (!running.running) told.push(`${container} is ${running.status}`);
  else if (running.health === "unhealthy") told.push(`${container} is unhealthy by its own check`);
  if (running && running.imageId !== imageId) told.push(`${container} runs another image`);
  for (const { name } of others) told.push(`${name} runs beside it`);
  if (running?.spec?.switch === "proxy")
    for (const [index, { host }] of running.spec.ports.entries()) {
      const port = found.ports.find((one) => one.host === host);
      if (!port?.up || port.local !== running.spec.local[index])
        told.push(`port ${host} does not lead to it`);
    }
  return told;
}
