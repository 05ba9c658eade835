import { execa } from "execa";
import { nixString } from "./spoiled.ts";

/** How a system differs from the one it is made of. */
export interface Variant {
  /** Another kernel, which only a boot puts in force; its text tells it from others. */
  kernel?: string;
  /** Another interface of init, which a switch cannot cross. */
  initInterface?: string;
  /** Lines of shell that init runs first. */
  init?: string;
  /** Files of /etc in place of its own, by path below it with their text; null: it has none. */
  etc?: Record<string, string | null>;
  /** Units that are enabled beside its own, by name with their text. */
  units?: Record<string, string>;
}

/** A system whose site answers 500; `on` runs a line of shell on a host that has the one it differs from. */
export const answers500 = async (on: (line: string) => Promise<string>): Promise<Variant> => ({
  etc: {
    "nginx/nginx.conf": (await on("cat /etc/nginx/nginx.conf")).replaceAll(
      /^\s*server \{$/gm,
      "server { return 500;",
    ),
    // As a changed configuration does: it is reloaded on the way there, and on the way back.
    "systemd/system/nginx.service": (await on("cat /etc/systemd/system/nginx.service")).replace(
      /^X-Reload-Triggers=.*$/m,
      "X-Reload-Triggers=spoiled",
    ),
  },
});

/** A system like `base`, which knows itself by its own path, with these differences. Built, and ready to be released. */
export async function variantOf(
  base: string,
  variant: Variant,
): Promise<{ drvPath: string; toplevel: string }> {
  const builder = `
    set -eu
    export PATH=/usr/bin:/bin
    cp -r --no-dereference --no-preserve=mode,ownership ${base} $out
    for file in $(grep -rlF ${base} $out --include='*' -s); do [ -L "$file" ] || sed -i "s|${base}|$out|g" "$file"; done
    chmod +x $out/init $out/activate $out/bin/* $out/sw/bin/*
    if [ -n "$kernel" ]; then rm $out/kernel; printf '%s\\n' "$kernel" >$out/kernel; fi
    if [ -n "$interface" ]; then rm -f $out/init-interface-version; printf '%s' "$interface" >$out/init-interface-version; fi
    if [ -n "$first" ]; then { head -n 1 ${base}/init; printf '%s\\n' "$first"; tail -n +2 $out/init; } >$out/init.new; mv $out/init.new $out/init; chmod +x $out/init; fi
    if [ -n "$units$files" ]; then
      # A variant of a variant has the folder itself.
      if [ -L $out/etc ]; then
        etc=$(readlink $out/etc)
        rm $out/etc
        cp -r --no-dereference --no-preserve=mode,ownership $etc $out/etc
        sed -i "s|$etc|$out/etc|g" $out/activate
      fi
      printf '%s' "$files" | while IFS= read -r line; do
        rm -f $out/etc/\${line%% *}
        [ "\${line#* }" = - ] || printf '%s' "\${line#* }" | base64 -d >$out/etc/\${line%% *}
      done
      printf '%s' "$units" | while IFS= read -r line; do
        name=\${line%% *}
        printf '%s' "\${line#* }" | base64 -d >$out/etc/systemd/system/$name
        mkdir -p $out/etc/systemd/system/multi-user.target.wants
        ln -sf ../$name $out/etc/systemd/system/multi-user.target.wants/$name
      done
    fi
  `;
  const units = lines(variant.units ?? {});
  const files = lines(variant.etc ?? {});
  const expression = `derivation {
    name = "nixos-system-variant"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" ${nixString(builder)} ];
    base = builtins.storePath ${nixString(base)}; kernel = ${nixString(variant.kernel ?? "")};
    interface = ${nixString(variant.initInterface ?? "")}; first = ${nixString(variant.init ?? "")}; units = ${nixString(units)}; files = ${nixString(files)};
  }`;
  const { stdout: drvPath } = await execa("nix-instantiate", ["--expr", expression]);
  const { stdout: toplevel } = await execa("nix-store", ["--realise", drvPath]);
  return { drvPath, toplevel };
}

/** Lines of name and content, for a builder to read. */
const lines = (texts: Record<string, string | null>): string =>
  Object.entries(texts)
    .map(([name, text]) => `${name} ${text === null ? "-" : Buffer.from(text).toString("base64")}\n`)
    .join("");
