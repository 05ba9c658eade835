{
  description = "Berth's NixOS modules, as they come with its npm package";

  # The same as those of the repository's flake, whose lock file is the package's.
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    disko = {
      url = "github:nix-community/disko";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    { nixpkgs, disko, ... }:
    {
      nixosModules = import ./nixos;

      lib = import ./nixos/lib.nix {
        inherit (nixpkgs) lib;
        inherit disko;
      };
    };
}
