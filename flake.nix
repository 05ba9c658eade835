{
  description = "Berth: a web app and a Nix flake to running machines with one `pulumi up`";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    disko = {
      url = "github:nix-community/disko";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    srvos = {
      url = "github:nix-community/srvos";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      disko,
      srvos,
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

      # What a stack may name.
      hosts = lib.mapAttrs (_: module: self.lib.mkHost { modules = [ module ]; }) {
        web = ./configurations/web;
        web-arm = ./configurations/web-arm;
        metal = ./configurations/metal;
        spa-hetzner.imports = [
          srvos.nixosModules.hardware-hetzner-cloud
          ./configurations/spa-hetzner.nix
        ];
      };

      # What is started from a file and never released to.
      machines = lib.mapAttrs (_: module: lib.nixosSystem { modules = [ module ]; }) {
        spa-vm = ./configurations/spa-qemu.nix;
        spa-disk = ./configurations/spa-disk.nix;
        spa-ami = ./configurations/spa-ami.nix;
      };
    in
    {
      packages = each (linux ++ darwin) (
        pkgs:
        let
          apps = import ./apps pkgs;
        in
        apps
        // { default = apps.site; }
        // import ./configurations/packages.nix { inherit lib pkgs machines; }
      );

      apps = each (linux ++ darwin) (
        pkgs:
        let
          run = import ./apps/run.nix pkgs;
        in
        run // { default = run.site; }
      );

      # The tools of the build and of a deployment.
      devShells = each (linux ++ darwin) (pkgs: {
        default = pkgs.mkShellNoCC {
          packages = [
            pkgs.nodejs_24
            pkgs.pulumi
            pkgs.pulumiPackages.pulumi-nodejs
            pkgs.nixos-anywhere
            pkgs.git
            pkgs.openssh
            pkgs.shellcheck
            self.formatter.${pkgs.stdenv.hostPlatform.system}
          ];
        };
      });

      formatter = each (linux ++ darwin) (import ./formatter.nix);

      nixosModules = import ./nixos;

      templates.default = {
        path = ./templates/default;
        description = "An app of one's own on a host of Berth's";
      };

      lib = import ./nixos/lib.nix { inherit lib disko; };

      nixosConfigurations = hosts // machines;

      berth.hosts = self.lib.manifests hosts;

      checks = each linux (
        pkgs:
        import ./tests/nix/checks.nix {
          inherit lib pkgs self;
          inherit (disko.nixosModules) disko;
        }
      );
    };
}
