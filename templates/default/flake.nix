{
  description = "An app on machines of its own, by Berth";

  inputs = {
    # Where this template came from.
    berth.url = "github:example/berth";
    nixpkgs.follows = "berth/nixpkgs";
  };

  outputs =
    {
      self,
      nixpkgs,
      berth,
    }:
    let
      # Where the app is built and runs.
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      packages = nixpkgs.lib.genAttrs systems (system: {
        default = nixpkgs.legacyPackages.${system}.callPackage ./app { };
      });

      nixosConfigurations.web = berth.lib.mkHost {
        specialArgs = { inherit berth; };
        modules = [ ./web.nix ];
      };

      # What Berth reads before it orders anything. In the stack: berth:flake names this folder, berth:hosts.NAME.system is "web".
      berth.hosts = berth.lib.manifests self.nixosConfigurations;
    };
}
