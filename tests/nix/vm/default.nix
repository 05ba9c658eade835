# What only a machine with KVM shows: systems that boot. `nix build .#checks.x86_64-linux.spa-vm`, or any other name of these.
{
  lib,
  pkgs,
  modules,
  packages,
  # The hosts of this system by name.
  hosts,
}:
let
  vm = file: more: import file ({ inherit pkgs modules; } // more);
  inherit (packages) site spa;
in
{
  spa-vm = vm ../../spa-vm-test.nix { package = spa; };

  vm-webapp = vm ./webapp.nix {
    package = site;
    isolation = "service";
  };
  vm-webapp-container = vm ./webapp.nix {
    package = site;
    isolation = "container";
  };
  vm-acme = vm ./acme.nix { package = site; };
}
# Partitions by the layout's own script, installs, and boots what it installed.
// lib.mapAttrs' (name: host: {
  name = "vm-install-${name}";
  value = host.config.system.build.installTest;
}) (lib.filterAttrs (_: host: host.options ? disko) hosts)
