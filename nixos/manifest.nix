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

  healthCheck =
    check:
    lib.mapAttrs (_: value: if lib.isString value then builtins.unsafeDiscardStringContext value else value) (
      lib.filterAttrs (_: value: value != null) check
    );

  # Set where the layout luks is imported.
  encryption = config.berth.encryption or null;

  # nginx's own names without those that match nothing outside: the catch-all "_" and patterns.
  namesOf =
    vhost: lib.filter (name: name != "_" && !lib.hasPrefix "~" name) ([ vhost.serverName ] ++ vhost.serverAliases);
  hasTls =
    vhost:
    vhost.enableACME || vhost.useACMEHost != null || vhost.forceSSL || vhost.addSSL || vhost.onlySSL;
  virtualHosts = lib.concatMap (
    vhost:
    map (name: {
      inherit name;
      tls = hasTls vhost;
    }) (namesOf vhost)
  ) (lib.mapAttrsToList (name: vhost: vhost // { serverName = if vhost.serverName != null then vhost.serverName else name; }) config.services.nginx.virtualHosts);
in
{
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (config.networking) hostName;
  toplevel = derivation config.system.build.toplevel;
  diskoScript = derivation config.system.build.diskoScript;
  kexecTarball = null;
  ports = {
    # While the disk is locked nothing but the cloud's firewall stands before the initrd, which has none of its own.
    tcp = ports (
      firewall.allowedTCPPorts ++ lib.optional (encryption != null) encryption.unlock.port
    ) firewall.allowedTCPPortRanges;
    udp = ports firewall.allowedUDPPorts firewall.allowedUDPPortRanges;
  };
  virtualHosts = lib.optionals config.services.nginx.enable virtualHosts;
  disks = lib.mapAttrs (_: disk: { inherit (disk) device; }) config.disko.devices.disk;
  inherit (config.berth) requires credentials;
  health = map healthCheck config.berth.health;
}
// lib.optionalAttrs (encryption != null) { inherit encryption; }
