import type { Problem } from "../problems.ts";
import { hostPath, type MatchedHost, manifestPath } from "./context.ts";

/** The words that have to do with an installation, against each other and the kind of machine. */
export function checkInstallation({ name, settings, manifest }: MatchedHost): Problem[] {
  const { reinstall, adopt, existing, system } = settings;
  const path = hostPath(name);
  const problems: Problem[] = [];
  if (reinstall && adopt !== undefined) {
    problems.push({
      path: `${path}.adopt`,
      message: `"${adopt}" keeps what is on the disk, and ${path}.reinstall wipes it; take one of the two away`,
    });
  }
  if (reinstall?.snapshot && existing) {
    problems.push({
      path: `${path}.reinstall.snapshot`,
      message: `true, and ${path} is an existing machine: there is no API that takes a snapshot of it; back it up by hand and set it to false`,
      example: "false",
    });
  }
  if (existing?.offline && manifest.kexecTarball === null) {
    problems.push({
      path: `${path}.existing.offline`,
      message: `true, and the flake's ${manifestPath(system)}.kexecTarball is null: the installer would be downloaded; name one in the flake, or let the machine out`,
    });
  }
  if (existing?.jump && existing.jump.address === existing.address && existing.jump.port === existing.port) {
    problems.push({
      path: `${path}.existing.jump.address`,
      message: `${existing.jump.address} is the machine itself; name the one on the way, or leave jump out`,
    });
  }
  return problems;
}
