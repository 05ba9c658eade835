import { type InstallDocument, usualDeadlines } from "../../../../deployer/install/document.ts";
import { webManifest } from "../../config/samples.ts";

/** What no output, log, argument or file for others may hold. */
export const secrets = ["hunter2-login", "hunter2-lasting", "HUNTER2-AGE", "hunter2-token"] as const;

/** What makes it the install of an encrypted host. */
export const encrypted: Pick<InstallDocument, "encryption"> = {
  encryption: {
    keyFile: "/run/keys/disk.key",
    passphrase: "hunter2-disk",
    unlock: {
      port: 2222,
      hostKeyFile: "/var/lib/unlock/host_key",
      authorizedKeysFile: "/etc/unlock/authorized_keys",
      hostKey: {
        publicKey: "ssh-ed25519 AAAAunlock",
        privateKey: "-----BEGIN-----\nhunter2-unlock\n-----END-----\n",
      },
    },
  },
};

/** An install of a web host, with everything that is optional. */
export const installOfWeb1: InstallDocument = {
  target: {
    stack: "dev",
    host: "web1",
    address: "203.0.113.7",
    port: 22,
    user: "root",
    loginKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${secrets[0]}\n-----END OPENSSH PRIVATE KEY-----\n`,
  },
  marker: { stack: "dev", host: "web1", server: "4711" },
  ordered: true,
  system: "x86_64-linux",
  requires: { disk: 20, memory: 2 },
  disks: ["/dev/sda"],
  erase: [],
  reinstall: null,
  adopt: null,
  hetzner: { token: secrets[3], endpoint: "https://api.example.org/v1" },
  addresses: { ipv4: "203.0.113.7", ipv6: "2001:db8::1" },
  substitutes: true,
  bootstrapHostKey: "ssh-ed25519 AAAAbootstrap bootstrap web1",
  lastingHostKey: {
    publicKey: "ssh-ed25519 AAAAlasting web1",
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${secrets[1]}\n-----END OPENSSH PRIVATE KEY-----`,
  },
  ageKey: `AGE-SECRET-KEY-1${secrets[2]}`,
  authorizedKeys: ["ssh-ed25519 AAAAlogin berth dev", "ssh-ed25519 AAAAada ada@example.org"],
  toplevel: webManifest.toplevel,
  diskoScript: webManifest.diskoScript,
  kexecTarball: webManifest.kexecTarball,
  deadline: 60,
  deadlines: usualDeadlines,
};
