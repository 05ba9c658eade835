# Machines that are started from a file, as packages: `nix run .#run-vm`, `nix build .#spa-ami`. Each system has those of its own
# architecture, and only Linux has any.
{
  lib,
  pkgs,
  machines,
}:
let
  inherit (pkgs.stdenv) hostPlatform;

  build =
    machine:
    (machine.extendModules { modules = [ { nixpkgs.hostPlatform = hostPlatform.system; } ]; })
    .config.system.build;
in
lib.optionalAttrs hostPlatform.isLinux {
  run-vm = (build machines.spa-vm).vm;
  spa-ami = (build machines.spa-ami).image;
}
