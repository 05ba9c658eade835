# The sample app, as every host named for it runs it.
{ config, pkgs, ... }:
{
  imports = [
    ../../nixos/berth.nix
    ../../nixos/profiles/base.nix
    ../../nixos/services/webapp.nix
  ];

  services.webapp.site = {
    package = pkgs.callPackage ../../apps/site { };
    domain = "site.example";
    default = true;
    environment.APP_ECHO_ME = "Ahoy from NixOS.";
    health = {
      path = "/healthz";
      # Only this very release passes, not one that was left running.
      body = ''"release":"${config.services.webapp.site.release}"'';
    };
  };
}
