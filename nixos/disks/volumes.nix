# A volume outlives the server, so no layout may hold one: every installation would wipe it.
{
  config,
  lib,
  options,
  ...
}:
{
  assertions = lib.optionals (options ? disko) (
    lib.mapAttrsToList (name: disk: {
      assertion = !lib.hasInfix "HC_Volume_" disk.device;
      message = ''
        disko.devices.disk.${name} is ${disk.device}, a volume: every installation would wipe it. Take it out of the layout and mount it by
        fileSystems, with the options "nofail" and "x-systemd.device-timeout=30s".
      '';
    }) config.disko.devices.disk
  );
}
