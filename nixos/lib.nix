# What a flake needs to have hosts of Berth's: its outputs `nixosConfigurations` and `berth.hosts`.
{ lib, disko }:
{
  # A system with what Berth needs of it. Takes what nixosSystem takes: `mkHost { modules = [ ./web.nix ]; }`.
  mkHost =
    arguments:
    lib.nixosSystem (
      arguments
      // {
        modules = [
          disko.nixosModules.disko
          ./berth.nix
        ]
        ++ arguments.modules or [ ];
      }
    );

  # What a stack reads before it orders anything, of systems by name; config/manifest.ts is its shape.
  manifests = lib.mapAttrs (_: import ./manifest.nix { inherit lib; });
}
