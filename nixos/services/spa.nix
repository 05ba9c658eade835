# A single-page app: files that nginx hands out, with the index in place of every page that is none.
{
  config,
  lib,
  options,
  ...
}:
let
  inherit (lib) mkDefault mkIf mkOption types;
  cfg = config.services.spa-app;
  inherit (config.services) nginx;

  release = import ./release.nix cfg.package;

  served = import ./spa-nginx.nix {
    inherit release;
    brotli = lib.any (module: module.name or null == "brotli") (nginx.package.modules or [ ]);
  };

  # The port that nginx has for every virtual host that names none.
  usual = cfg.port == nginx.defaultHTTPListenPort;

  # Of two default virtual hosts on one port nginx starts neither.
  takenByWebapp = lib.any (app: app.enable && app.default && app.domain != null) (
    lib.attrValues (config.services.webapp or { })
  );
in
{
  options.services.spa-app = {
    enable = lib.mkEnableOption "a single-page app behind nginx";
    package = mkOption {
      type = types.package;
      description = ''
        The built app: a folder with `index.html`, with hashed names in `assets/`, and beside a file, where that is worth it, its `.gz` and `.br`.
      '';
      example = lib.literalExpression "pkgs.callPackage ./apps/spa { }";
    };
    host = mkOption {
      type = types.str;
      default = "spa.local";
      description = ''
        Name that nginx serves the app under; where no web app is the default one, it answers requests for unknown names, too. TLS is set
        on the virtual host of this name.
      '';
      example = "app.example.org";
    };
    port = mkOption {
      type = types.port;
      default = 80;
      description = "Port that nginx listens on, open in the firewall.";
      example = 8080;
    };
  };

  config = mkIf cfg.enable (
    {
      services.nginx = import ./nginx.nix // {
        virtualHosts.${cfg.host} = {
          default = mkDefault (!(usual && takenByWebapp));
          root = cfg.package;
          listen = mkIf (!usual) (
            map (addr: {
              inherit addr;
              inherit (cfg) port;
            }) nginx.defaultListenAddresses
          );
          extraConfig = served.server;
          inherit (served) locations;
        };
      };

      networking.firewall.allowedTCPPorts = [ cfg.port ];
    }
    // lib.optionalAttrs (options ? berth) {
      berth.health = [
        {
          http = "http://${cfg.host}${lib.optionalString (cfg.port != 80) ":${toString cfg.port}"}/healthz";
          # Only this very release passes, not one that nginx was left with.
          body = ''"release":"${release}"'';
        }
      ];
    }
  );
}
