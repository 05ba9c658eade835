import { withoutComment } from "../../config/public-key.ts";
import { Failure } from "../failure.ts";
import type { ActingApi } from "../hetzner/actions.ts";
import { HetznerApi } from "../hetzner/api.ts";
import { snapshotBefore } from "../hetzner/snapshot.ts";
import { detachVolumes, reattachVolumes } from "../hetzner/volumes.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import type { InstallDocument } from "./document.ts";
import { reinstallToken, reinstallValue } from "./facts.ts";
import type { InstallLog } from "./log.ts";

/** Before an installed host is wiped because it is wanted: its snapshot, and word of it for the installer that is booted. */
export async function beginReinstall(
  session: SshSession,
  document: InstallDocument,
  log: InstallLog,
  signal: AbortSignal,
): Promise<void> {
  const { marker, reinstall, authorizedKeys, deadlines } = document;
  const value = reinstallValue(document);
  const [key] = authorizedKeys;
  if (reinstall === null || value === undefined || key === undefined) return;
  const text = `${withoutComment(key)} ${reinstallToken(marker, value)}`;
  await remote(session, "hand-over", { text }, { deadline: 60_000, signal });
  if (!reinstall.snapshot) return log.say(`reinstall "${value}": without a snapshot, as it was wanted`);
  const until = Date.now() + deadlines.snapshot * 1_000;
  const api = hetzner(document, until, log, signal);
  if (!api) {
    throw new Failure({
      host: session.label,
      tried: "take a snapshot before the reinstall",
      cameBack: "there is no API to take one of this machine",
      stands: "The disk was not touched",
      next: `back it up by hand, set berth:hosts.${marker.host}.reinstall.snapshot to false and run pulumi up again`,
    });
  }
  log.say(`reinstall "${value}": taking a snapshot first`);
  const { stack, host, server } = marker;
  const image = await snapshotBefore(api, { stack, host, server, value, until, signal });
  log.say(`snapshot ${image} is there`);
}

/** Take a server's volumes from it before its disk is laid out; throws while one is there that cannot be taken. */
export async function withoutVolumes(
  session: SshSession,
  document: InstallDocument,
  there: readonly string[],
  log: InstallLog,
  signal: AbortSignal,
): Promise<void> {
  if (there.length === 0) return;
  const until = Date.now() + document.deadlines.disko * 1_000;
  const api = hetzner(document, until, log, signal);
  if (!api) {
    throw new Failure({
      host: session.label,
      tried: "lay out its disk",
      cameBack: `volumes are attached: ${there.join(", ")}`,
      stands: "The disk was not touched",
      next: "detach them, then run pulumi up again",
    });
  }
  const names = await detachVolumes(api, document.marker.server, { until, signal });
  if (names.length > 0)
    log.say(`detached for the time of the installation: ${names.map((name) => `volume ${name}`).join(", ")}`);
}

/** Put back what `withoutVolumes` took, in this run or in one that died. */
export async function withVolumes(
  document: InstallDocument,
  log: InstallLog,
  signal: AbortSignal,
): Promise<void> {
  if (!document.ordered) return;
  const until = Date.now() + document.deadlines.reboot * 1_000;
  const api = hetzner(document, until, log, signal);
  if (!api) return;
  const names = await reattachVolumes(api, document.marker.server, { until, signal });
  if (names.length > 0) log.say(`attached again: ${names.map((name) => `volume ${name}`).join(", ")}`);
}

function hetzner(
  { hetzner: access }: InstallDocument,
  until: number,
  log: InstallLog,
  signal: AbortSignal,
): ActingApi | undefined {
  if (access === null || access.token === "") return undefined;
  return new HetznerApi({
    ...access,
    tokenFrom: "hcloud:token",
    signal,
    until,
    say: (line) => log.say(line),
    stands: "",
  });
}
