{
  description = "The lab's closed world: plain derivations with the outputs of Berth's own flake.";

  outputs =
    { self }:
    let
      lab = builtins.fromJSON (builtins.readFile ./lab.json);
      derivations = import ./lib/derivations.nix { inherit (lab) system; };

      site = import ./site.nix {
        inherit (derivations) run;
        inherit lab;
        source = ./site;
      };
      kexec = import ./kexec.nix { inherit derivations lab; };
      image = name: import ./image.nix { inherit derivations lab site name; };
      diskoScript =
        {
          encryption ? null,
          ...
        }:
        derivations.script {
          name = "disko";
          source = ./disko.sh;
          values.keyFile = if encryption == null then "" else encryption.keyFile;
        };
      declared = import ./hosts.nix;
      # Without an ACME server there is no certificate to be had.
      names = builtins.filter (name: lab.acme != null || !declared.${name}.tls) (
        builtins.attrNames declared
      );
      each = make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
      hosts = each (
        name: import ./web.nix ({ inherit derivations lab site name; } // declared.${name})
      );

      # Paths as plain text: reading the manifest must build nothing. Not `outPath`: Nix prints a set with it as that path alone.
      paths = package: {
        drvPath = builtins.unsafeDiscardStringContext package.drvPath;
        out = builtins.unsafeDiscardStringContext package.outPath;
      };
    in
    {
      packages.${lab.system} = {
        inherit site kexec;
        default = site;
        # Under the names that the apps' images have in Berth's own flake.
        dockerImage = image "site";
        webechoImg = image "webecho";
      };

      nixosConfigurations = each (name: {
        pkgs = {
          inherit (lab) system;
          stdenv.hostPlatform.system = lab.system;
        };
        config = {
          inherit (hosts.${name}) networking;
          nix.settings = {
            substituters = [ ];
            trusted-public-keys = [ ];
          };
          nixpkgs.hostPlatform.system = lab.system;
          system.build = {
            inherit (hosts.${name}) toplevel;
            diskoScript = diskoScript declared.${name};
          };
        };
      });

      berth.hosts = each (
        name:
        let
          host = hosts.${name};
          inherit (declared.${name}) domain tls;
        in
        {
          inherit (lab) system;
          inherit (host.networking) hostName;
          toplevel = paths host.toplevel;
          diskoScript = paths (diskoScript declared.${name});
          kexecTarball = paths kexec;
          ports = {
            tcp = host.networking.firewall.allowedTCPPorts;
            udp = [ ];
          };
          virtualHosts = [
            {
              name = domain;
              inherit tls;
            }
          ];
          disks.main.device = "/dev/sda";
          requires = {
            disk = null;
            memory = null;
          };
          credentials = declared.${name}.credentials or { };
          health = [
            {
              http = "http://${domain}/healthz";
              status = 200;
              # The app tells its own store path, so that an old release cannot pass for this one.
              body = builtins.unsafeDiscardStringContext site.outPath;
            }
          ];
        }
        // (if declared.${name} ? encryption then { inherit (declared.${name}) encryption; } else { })
      );
    };
}
