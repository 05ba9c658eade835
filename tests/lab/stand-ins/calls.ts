/** What is said and called in every run, in `Recording.transcript`'s words. */
export const upload = "### Uploading install SSH keys ###";
export const facts = "### Gathering machine facts ###";
export const inInstaller = { isNixos: "y", isInstaller: "y" };
export const look = "ssh -T … root@ -o ConnectTimeout=10 enableDebug= sh --";
/** What comes before the phases when the machine is the installer already. */
export const entry = (user = "root") => [
  `ssh … -G ${user}@`,
  "ssh-copy-id -o IdentitiesOnly=no -o ConnectTimeout=10 … root@",
  look,
];
export const nixFlags = "--extra-experimental-features nix-command flakes --no-write-lock-file";
export const toDisko = `nix copy ${nixFlags} --substitute-on-destination --to ssh://root@?compress=true HERE/disko`;
export const toSystem = `nix copy ${nixFlags} --substitute-on-destination --to ssh://root@?remote-store=local%3Froot=%2Fmnt&compress=true HERE/toplevel`;
export const reboot = ["ssh -T … root@ sh", "timeout 10 ssh … root@ -- exit 0", "ssh … root@ -- exit 0"];

/** What a machine says of itself at least. */
export const plainFacts = {
  ...{
    isOs: "Linux",
    isArch: "x86_64",
    isInstaller: "n",
    isContainer: "none",
    isRoot: "y",
    hasIpv6Only: "n",
  },
  ...{ hasTar: "y", hasCpio: "y", hasSudo: "n", hasDoas: "n", hasWget: "n", hasCurl: "n", hasSetsid: "y" },
};

export const host = "root@192.0.2.7";
