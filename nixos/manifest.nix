# A host as the flake's output `berth.hosts` tells it: all that must be known before hardware is ordered. Builds nothing.
{ lib }:
{ config, pkgs, ... }:
let
  # Paths in the manifest are data: with their context the evaluation would build them.
  derivation = drv: {
    drvPath = builtins.unsafeDiscardStringContext drv.drvPath;
    out = builtins.unsafeDiscardStringContext drv.outPath;
  };

  ports =
    single: ranges:
    lib.unique (
      lib.sort lib.lessThan (single ++ lib.concatMap (range: lib.range range.from range.to) ranges)
    );

  inherit (config.networking) firewall;
in
{
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (config.networking) hostName;
  toplevel = derivation config.system.build.toplevel;
  diskoScript = derivation config.system.build.diskoScript;
  kexecTarball = null;
  ports = {
    tcp = ports firewall.allowedTCPPorts firewall.allowedTCPPortRanges;
    udp = ports firewall.allowedUDPPorts firewall.allowedUDPPortRanges;
  };
  health = map (lib.filterAttrs (_: value: value != null)) config.berth.health;
}
