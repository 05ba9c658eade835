{
  description = "Berth: a web app and a Nix flake to running machines with one `pulumi up`";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    disko = {
      url = "github:nix-community/disko";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      disko,
    }:
    let
      inherit (nixpkgs) lib;
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      darwin = [
        "aarch64-darwin"
        "x86_64-darwin"
      ];
      each = systems: f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (linux ++ darwin) (pkgs: rec {
        site = pkgs.callPackage ./apps/site { };
        default = site;
      });

      # The tools of the build and of a deployment.
      devShells = each (linux ++ darwin) (pkgs: {
        default = pkgs.mkShellNoCC {
          packages = [
            pkgs.nodejs_24
            pkgs.pulumi
            pkgs.pulumiPackages.pulumi-nodejs
            pkgs.nixos-anywhere
            pkgs.openssh
            pkgs.shellcheck
            self.formatter.${pkgs.stdenv.hostPlatform.system}
          ];
        };
      });

      formatter = each (linux ++ darwin) (pkgs: pkgs.nixfmt-tree);

      nixosModules = import ./nixos;

      nixosConfigurations.web = lib.nixosSystem {
        modules = [
          disko.nixosModules.disko
          ./configurations/web
        ];
      };

      # What a stack reads before it orders anything; config/manifest.ts is its shape.
      berth.hosts = lib.mapAttrs (
        _: import ./nixos/manifest.nix { inherit lib; }
      ) self.nixosConfigurations;

      checks = each linux (
        pkgs:
        import ./tests/nix/checks.nix {
          inherit lib pkgs self;
          inherit (disko.nixosModules) disko;
        }
      );
    };
}
