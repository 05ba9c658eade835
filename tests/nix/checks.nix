# The flake's checks of one system: the packages, every host's system, facts without which a host would be lost, how large each may be,
# tests in VMs, and the formatting.
{
  lib,
  pkgs,
  self,
  disko,
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;

  found = lib.filterAttrs (
    _: host: host.pkgs.stdenv.hostPlatform.system == system
  ) self.nixosConfigurations;
  # A filter that finds none would take all of these checks away without a word.
  hosts = lib.throwIf (found == { }) "no host of the flake is for ${system}" found;

  sizeOf = import ./closure-size.nix { inherit lib pkgs; };

  factsOf = import ./facts.nix { inherit lib; };

  holds =
    name: facts:
    let
      broken = lib.attrNames (lib.filterAttrs (_: fact: !fact) facts);
    in
    lib.throwIf (broken != [ ]) "${name}: does not hold: ${lib.concatStringsSep "; " broken}" (
      pkgs.runCommand "facts-${name}" { } "touch $out"
    );

  # A small host that turns every option of the modules on.
  everyOption = lib.nixosSystem {
    modules = [
      disko
      self.nixosModules.berth
      self.nixosModules.profile-base
      self.nixosModules.webapp
      self.nixosModules.spa
      self.nixosModules.docker-host
      {
        nixpkgs.hostPlatform = system;
        system.stateVersion = "26.05";
        berth.health = [
          {
            https = "https://one.example/";
            status = 204;
          }
        ];
        # A unit of a module's own, and one that a package brings.
        berth.credentials = {
          nginx = [ "key.pem" ];
          systemd-networkd = [ "network.wireguard.key" ];
        };
        security.acme = {
          acceptTerms = true;
          defaults.email = "hostmaster@one.example";
        };
        services.docker-host = {
          enable = true;
          ports = [ 8443 ];
        };
        services.spa-app = {
          enable = true;
          package = self.packages.${system}.spa;
          host = "app.example";
          port = 8080;
        };
        services.webapp = {
          one = {
            package = pkgs.hello;
            command = [
              "/bin/sh"
              "-c"
              "a 'quoted' $word"
            ];
            socket = "/run/one.sock";
            environment.GREETING = "a \"quoted\" $word";
            credentials = [ "DATABASE_URL" ];
            release = "r1";
            outbound = true;
            domain = "one.example";
            default = true;
            tls = {
              enable = true;
              hsts = 31536000;
            };
            headers = {
              X-Frame-Options = null;
              Permissions-Policy = "camera=()";
            };
            health = {
              path = "/health";
              body = "ok";
              seconds = 60;
            };
            resources = {
              memoryMax = "1G";
              tasksMax = 128;
            };
          };
          two = {
            package = pkgs.hello;
            port = 3001;
            isolation = "container";
            credentials = [ "DATABASE_URL" ];
          };
          three = {
            enable = false;
            package = pkgs.hello;
          };
        };
      }
    ]
    ++ (
      if pkgs.stdenv.hostPlatform.isx86 then
        [
          self.nixosModules.profile-hetzner
          self.nixosModules.disk-bios-uefi
        ]
      else
        [ self.nixosModules.profile-hetzner-arm ]
    );
  };

  diskHosts = import ./disks/hosts.nix {
    inherit lib pkgs disko;
    modules = self.nixosModules;
  };
in
{
  inherit (self.packages.${system})
    site
    spa
    webecho
    dockerImage
    webechoImg
    spa-image
    ;

  every-option = everyOption.config.system.build.toplevel;

  format =
    pkgs.runCommand "format"
      {
        nativeBuildInputs = [ self.formatter.${system} ];
        tree = lib.fileset.toSource {
          root = ../..;
          fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../..;
        };
      }
      ''
        cp -r "$tree" tree
        chmod -R u+w tree
        HOME="$TMPDIR" treefmt --ci --walk filesystem --tree-root tree
        touch $out
      '';
}
// lib.mapAttrs' (name: host: {
  name = "disk-${name}";
  # With its configuration, so that a test can ask more than whether it builds.
  value = host.config.system.build.toplevel // {
    inherit (host) config extendModules;
  };
}) diskHosts
// lib.mapAttrs' (name: host: {
  name = "host-${name}";
  value = host.config.system.build.toplevel;
}) hosts
// lib.mapAttrs' (name: host: {
  name = "facts-${name}";
  value = holds name (factsOf host);
}) hosts
// lib.mapAttrs' (name: host: {
  name = "size-${name}";
  value = sizeOf name host.config.system.build.toplevel;
}) hosts
// import ./vm {
  inherit lib pkgs hosts;
  modules = self.nixosModules;
  packages = self.packages.${system};
}
