import { createHash } from "node:crypto";
import type { Inspection } from "../remote/scripts.ts";
import type { InstallDocument } from "./document.ts";
import { type InstallerPhase, type Marker, reinstallValue } from "./facts.ts";

const digest = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** The marker that the system gets: with the value of the reinstall it comes from. */
export function markerOf(document: Pick<InstallDocument, "marker" | "reinstall">): Marker {
  const value = reinstallValue(document);
  return value === undefined ? document.marker : { ...document.marker, reinstall: value };
}

/** What a note in the installer says: the disk was laid out by this, the system was installed from that. */
export function notesOf(document: InstallDocument): Record<"formatted" | "installed", string> {
  const formatted = digest([markerOf(document), document.diskoScript.out]);
  const { lastingHostKey, authorizedKeys, toplevel } = document;
  return {
    formatted,
    installed: digest([formatted, toplevel.out, lastingHostKey.publicKey, authorizedKeys]),
  };
}

/** The phase that comes next in an installer. What was noted of another layout or system is as good as nothing. */
export function nextPhase(
  { mounted, formatted, installed }: Inspection,
  document: InstallDocument,
): InstallerPhase {
  const notes = notesOf(document);
  if (!mounted || formatted !== notes.formatted) return "disko";
  return installed === notes.installed ? "reboot" : "install";
}
