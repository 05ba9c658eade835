# What `nix run` starts, for a nixpkgs: each app as a server of its own, on a port of this machine alone unless HOST says otherwise.
pkgs:
let
  inherit (pkgs) lib;
  packages = import ./. pkgs;

  serveSpa = pkgs.writeShellApplication {
    name = "serve-spa";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.gnused
      pkgs.nginx
    ];
    runtimeEnv.SPA_CONFIG = pkgs.writeText "nginx.conf" (
      import ./spa/serve.nix {
        root = packages.spa;
        mimeTypes = "${pkgs.mailcap}/etc/nginx/mime.types";
        release = import ../nixos/services/release.nix packages.spa;
      }
    );
    text = builtins.readFile ./spa/serve.sh;
  };

  run = package: {
    type = "app";
    program = lib.getExe package;
    meta = { inherit (package.meta) description; };
  };
in
{
  site = run packages.site;
  webecho = run packages.webecho;
  spa = run serveSpa // {
    meta = { inherit (packages.spa.meta) description; };
  };
}
