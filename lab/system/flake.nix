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
      diskoScript = derivations.script {
        name = "disko";
        source = ./disko.sh;
      };
      web = import ./web.nix { inherit derivations lab site; };

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
      };

      nixosConfigurations.web = {
        pkgs = {
          inherit (lab) system;
          stdenv.hostPlatform.system = lab.system;
        };
        config = {
          inherit (web) networking;
          nix.settings = {
            substituters = [ ];
            trusted-public-keys = [ ];
          };
          nixpkgs.hostPlatform.system = lab.system;
          system.build = {
            inherit (web) toplevel;
            inherit diskoScript;
          };
        };
      };

      berth.hosts.web = {
        inherit (lab) system;
        inherit (web.networking) hostName;
        toplevel = paths web.toplevel;
        diskoScript = paths diskoScript;
        kexecTarball = paths kexec;
        ports = {
          tcp = web.networking.firewall.allowedTCPPorts;
          udp = [ ];
        };
        virtualHosts = [
          {
            name = "site.lab";
            tls = false;
          }
        ];
        disks.main.device = "/dev/sda";
        requires = {
          disk = null;
          memory = null;
        };
        credentials = { };
        health = [
          {
            http = "http://site.lab/healthz";
            status = 200;
            # The app tells its own store path, so that an old release cannot pass for this one.
            body = builtins.unsafeDiscardStringContext site.outPath;
          }
        ];
      };
    };
}
