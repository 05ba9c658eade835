/** Versions set-up works with. A cached tool carries its pin in its folder's name, so a new pin makes a new folder. */
export const pins = Object.freeze({
  /** Oldest Node that can run set-up itself. */
  node: "20.0.0",
  /** Oldest Nix with the flake commands the deployer calls. */
  nix: "2.18.0",
  /** Oldest engine on PATH that is used, and the one built or downloaded otherwise; the SDK's version in package.json. */
  pulumi: "3.259.0",
  /** The newest SDK module that still contains the Node language host. */
  languageHost: "3.60.0",
  /** Oldest Go that can fetch the newer toolchain the engine's go.mod asks for. */
  go: "1.21.0",
  /** Debian suite the private Nix and Go come from. */
  suite: "trixie",
});
