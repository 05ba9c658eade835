# A machine that serves a single-page app and does nothing else: no perl, no Nix, nobody to log in. It is replaced by another one, not
# changed. Not for Berth's own hosts: those are released to, and on x86 at Hetzner they boot by GRUB, which is perl in good part.
{
  config,
  lib,
  modulesPath,
  ...
}:
{
  imports = [
    (modulesPath + "/profiles/perlless.nix")
    ../services/spa.nix
    ../traps.nix
    ./minimal.nix
  ];

  services.spa-app.enable = lib.mkDefault true;

  networking.useNetworkd = lib.mkDefault true;
  networking.nftables.enable = true;

  nix.enable = lib.mkDefault false;
  security.sudo.enable = lib.mkDefault false;
  users.mutableUsers = false;
  users.allowNoPasswordLogin = true;

  # What building the app takes, beside the perl that perlless names. Anchored: a bare word is met by other names as well.
  system.forbiddenDependenciesRegexes = map (name: "^/nix/store/[0-9a-z]*-${name}-") [
    "nodejs"
    "gcc-wrapper"
  ];

  assertions = [
    {
      assertion = !config.boot.loader.grub.enable;
      message = ''
        The profile spa-machine has no perl, and GRUB does not do without: the build of this system would fail at its end. Boot by
        systemd-boot, or import the profile minimal in place of spa-machine.
      '';
    }
  ];
}
