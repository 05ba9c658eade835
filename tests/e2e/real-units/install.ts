import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Generated } from "../../nix/generated.ts";

/**
 * Puts what the real modules generate onto a host of Debian, unchanged: the units, the files of /etc, and every script and configuration
 * at its own place in the store. Programs cannot be built: at their places in the store are Debian's of the same names.
 */

/** Where Debian has the folders of a package of nixpkgs. */
const debian = { bin: "/usr/bin", sbin: "/usr/sbin", lib: "/usr/lib", share: "/usr/share" };
const elsewhere: Record<string, Record<string, string>> = {
  nginx: { bin: "/usr/sbin", conf: "/etc/nginx" },
  mailcap: { "etc/nginx": "/etc/nginx" },
};

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A file with this text, written by a shell. */
export const written = (path: string, text: string, mode = "644"): string =>
  `install -D -m ${mode} /dev/null ${quote(path)}; printf %s ${Buffer.from(text).toString("base64")} | base64 -d >${quote(path)}`;

/**
 * Lines of shell that install it.
 * @param programs text of programs by package, for those that are of no Debian: `bin/NAME`
 */
export function installed(generated: Generated, programs: Record<string, Record<string, string>>): string {
  const lines = ["set -eu", "export LC_ALL=C.UTF-8"];
  for (const [name, paths] of generated.packages)
    for (const path of paths) {
      lines.push(`rm -rf ${path}; mkdir -p ${path}`);
      for (const [file, text] of Object.entries(programs[name] ?? {}))
        lines.push(written(`${path}/${file}`, text, "755"));
      if (programs[name]) continue;
      for (const [folder, at] of Object.entries(elsewhere[name] ?? debian))
        lines.push(`mkdir -p $(dirname ${path}/${folder}); ln -sfn ${at} ${path}/${folder}`);
    }
  for (const [path, { text, executable }] of Object.entries(generated.texts))
    lines.push(written(path, text, executable ? "755" : "444"));
  for (const [path, text] of Object.entries(generated.etc)) lines.push(written(`/etc/${path}`, text));
  for (const [name, text] of Object.entries(generated.units))
    lines.push(written(`/etc/systemd/system/${name}`, text));
  const wanted = Object.keys(generated.units).filter((name) =>
    /^WantedBy=/m.test(generated.units[name] ?? ""),
  );
  lines.push("systemctl daemon-reload", `systemctl enable --quiet ${wanted.join(" ")}`);
  return `${lines.join("\n")}\n`;
}

/** What NixOS has at its boot and Debian does not: users, folders, and systemd where units look for it. */
export const prepared = `set -eu
for user in nginx acme; do
  getent passwd $user >/dev/null || useradd --system --user-group --no-create-home --home-dir /var/empty $user
done
usermod --append --groups nginx acme
mkdir -p /run/current-system/systemd /var/lib/acme/acme-challenge/.well-known/acme-challenge
ln -sfn /usr/bin /run/current-system/systemd/bin
chown -R acme:nginx /var/lib/acme/acme-challenge
chown acme:acme /var/lib/acme
# Where Debian's nginx has its folders, which NixOS' has below /tmp.
install -d -o nginx /var/lib/nginx /var/lib/nginx/body /var/lib/nginx/proxy /var/lib/nginx/fastcgi /var/lib/nginx/uwsgi /var/lib/nginx/scgi
`;

const file = (name: string): Promise<string> => readFile(join(import.meta.dirname, name), "utf8");

/** Stand-ins for what Debian has no program of, by package; `site` is the app as the lab builds it. */
export async function standIns(
  site: string,
  container: Generated,
): Promise<Record<string, Record<string, string>>> {
  const inside: Record<string, string> = {};
  for (const [name, text] of Object.entries(container.units)) {
    // Of its own kind only, a unit of systemd's has additions.
    inside[`units/${name.endsWith(".target") ? `${name}.d/overrides.conf` : name}`] = text;
  }
  return {
    site: { "bin/site": `#!/bin/sh\nexec /usr/local/bin/node ${site}/build/index.js\n` },
    minica: { "bin/minica": await file("minica.sh") },
    "nixos-system-unnamed": { init: await file("container-init.sh"), ...inside },
  };
}

/** An app that tries what its sandbox refuses, as a line of shell that puts it onto a host. */
export const putProbe = async (): Promise<string> => written("/opt/probe.py", await file("probe.py"));

/**
 * What a container needs beside its unit, as a drop-in: its programs are Debian's, so it sees /usr, too; and the lab's disk is an overlay,
 * which cannot show other owners.
 */
export function containerOnDebian(unit: string): string {
  const start = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  const binds = "--bind-ro=/nix/store:/nix/store:idmap";
  if (!start.includes(binds)) throw new Error(`the container's unit has no ${binds}: ${start}`);
  const links = "for f in bin sbin lib lib64; do ln -s usr/$$f $$f; done; cp /etc/passwd /etc/group etc/";
  const root = /--directory=(\S+)/.exec(start)?.[1];
  return `[Service]
ExecStartPre=/bin/sh -c 'cd ${root} && ${links}'
ExecStart=
ExecStart=${start.replace(binds, "--bind-ro=/nix/store --bind-ro=/usr --bind-ro=/opt")}
`;
}
