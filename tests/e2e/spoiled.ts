import { execa } from "execa";

/** Text for a Nix string. */
export const nixString = (text: string): string =>
  `"${text.replaceAll(/["\\$]/g, (char) => `\\${char}`).replaceAll("\n", "\\n")}"`;

/**
 * A system that differs from `base` in its switch alone: `test` runs a shell script of the caller's instead, with `$here` its own path.
 * Every other verb goes to the base, but for a `boot` that is to fail. Built, and ready to be released.
 */
export async function spoiledSystem(
  base: string,
  test: string,
  { withoutSwitch = false, failingBoot = false } = {},
): Promise<{ drvPath: string; toplevel: string }> {
  const switcher = [
    "#!/bin/sh",
    `here=$(dirname "$(dirname "$0")")`,
    ...(failingBoot ? ['[ "$1" != boot ] || exit 1'] : []),
    `[ "$1" = test ] || exec ${base}/bin/switch-to-configuration "$@"`,
    test,
  ].join("\n");
  const builder = [
    "set -e",
    "export PATH=/usr/bin:/bin",
    "mkdir -p $out",
    `for entry in ${base}/*; do [ "\${entry##*/}" = bin ] || ln -s "$entry" "$out/"; done`,
    ...(withoutSwitch
      ? []
      : [
          "mkdir $out/bin",
          'printf "%s\\n" "$switcher" > $out/bin/switch-to-configuration',
          "chmod +x $out/bin/*",
        ]),
    ":",
  ].join("\n");
  const expression = `derivation {
    name = "nixos-system-spoiled"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" ${nixString(builder)} ];
    switcher = ${nixString(switcher)}; base = builtins.storePath ${nixString(base)};
  }`;
  const { stdout: drvPath } = await execa("nix-instantiate", ["--expr", expression]);
  const { stdout: toplevel } = await execa("nix-store", ["--realise", drvPath]);
  return { drvPath, toplevel };
}
