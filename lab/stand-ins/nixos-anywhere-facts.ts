const required = [
  ...["isOs", "isArch", "isInstaller", "isContainer", "isRoot", "hasIpv6Only", "hasTar", "hasCpio"],
  ...["hasSudo", "hasDoas", "hasWget", "hasCurl", "hasSetsid"],
] as const;

/** What a machine says of itself; yes and no are "y" and "n". */
export type Facts = Record<(typeof required)[number], string>;

/** Reads the answer of nixos-anywhere-facts.sh, among whatever else the login printed; a string is what is wrong with it. */
export function factsFrom(answer: string): Facts | string {
  const found = new Map(
    [...answer.matchAll(/^((?:has|is)[A-Za-z0-9]+)=(\S+)\s*$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
  if (found.size === 0)
    return "Retrieving host facts via SSH failed. Check that the login prints nothing and that sh runs there";
  const missing = required.find((name) => !found.has(name));
  if (missing) return `Failed to retrieve fact ${missing} from host`;
  return Object.fromEntries(required.map((name) => [name, found.get(name) ?? ""])) as Facts;
}

/** What the target lacks for an installation, in words; null when it has all. */
export function missingTool(facts: Facts): string | null {
  if (facts.hasTar === "n") return "no tar command found, but required to unpack kexec tarball";
  if (facts.hasCpio === "n") return "no cpio command found, but required to build the new initrd";
  if (facts.hasSetsid === "n") {
    return "no setsid command respecting --wait found, but required to run the kexec script under a new session";
  }
  if (facts.isOs !== "Linux")
    return `This script requires Linux as the operating system, but got ${facts.isOs}`;
  return null;
}
