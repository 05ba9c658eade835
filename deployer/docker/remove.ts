import { Failure } from "../failure.ts";
import { ownerOf } from "../owner.ts";
import { holdService } from "./lock.ts";
import { type DockerHost, first, onDocker } from "./script.ts";

/** Take a service off a host: its ports, containers, images, and what was noted of it. Volumes stay. */
export async function removeService(
  host: DockerHost,
  { stack, service, seconds }: { stack: string; service: string; seconds: number },
  status: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const lock = await holdService(host, { stack, service }, ownerOf(stack), status);
  try {
    status(`ending ${service}`);
    const answer = await onDocker(
      host,
      "remove",
      { service, stack, seconds },
      { deadline: (seconds + 120) * 1_000, ...(signal && { signal }) },
    );
    if (first(answer, "done") !== undefined) return;
    throw new Failure({
      host: host.session.label,
      tried: `remove ${service}`,
      cameBack: "it did not come to an end",
      next: "run pulumi destroy again",
    });
  } finally {
    lock.release();
  }
}
