# Any number of stateless web apps: each a sandboxed unit behind a socket of systemd's, and a virtual host of nginx before it.
# The socket outlives the app: while a new release starts, connections wait in it and none is refused.
{
  config,
  lib,
  options,
  utils,
  ...
}:
let
  inherit (lib)
    mapAttrs'
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    nameValuePair
    types
    ;

  apps = lib.filterAttrs (_: app: app.enable) config.services.webapp;
  published = lib.filterAttrs (_: app: app.domain != null) apps;

  hardening = import ./hardening.nix;

  # A switch leaves a changed socket unit alone, so the address is part of the name: another address, another unit.
  socketName =
    name: app:
    if app.socket == null then
      "${name}-${toString app.port}"
    else
      "${name}-${utils.escapeSystemdPath app.socket}";

  upstream =
    app:
    if app.socket == null then
      "http://127.0.0.1:${toString app.port}"
    else
      "http://unix:${app.socket}:";

  appOptions =
    { name, config, ... }:
    {
      options = {
        enable = mkEnableOption "this app" // {
          default = true;
          example = false;
        };
        package = mkOption {
          type = types.package;
          description = "The app. Its main program takes its listening socket from systemd (`LISTEN_FDS`).";
          example = lib.literalExpression "pkgs.callPackage ./apps/site { }";
        };
        command = mkOption {
          type = types.listOf types.str;
          default = [ (lib.getExe config.package) ];
          defaultText = lib.literalExpression "[ (lib.getExe package) ]";
          description = "What is run, word by word.";
          example = [
            "/nix/store/…/bin/site"
            "--quiet"
          ];
        };
        port = mkOption {
          type = types.port;
          default = 3000;
          description = "Port on 127.0.0.1 that systemd listens on for the app. Each app needs its own.";
          example = 3001;
        };
        socket = mkOption {
          type = types.nullOr types.path;
          default = null;
          description = "Unix socket to listen on instead of `port`; only nginx may connect.";
          example = "/run/site.sock";
        };
        environment = mkOption {
          type = types.attrsOf types.str;
          default = { };
          description = "Environment of the app. World-readable in the Nix store: nothing secret belongs here.";
          example = {
            APP_ECHO_ME = "hello";
          };
        };
        credentials = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = ''
            Secrets that the stack has to give, each a file in `$CREDENTIALS_DIRECTORY`; in `environment`, `%d` is that folder.
          '';
          example = [ "DATABASE_URL" ];
        };
        release = mkOption {
          type = types.str;
          default = lib.substring 0 12 (
            baseNameOf (builtins.unsafeDiscardStringContext config.package.outPath)
          );
          defaultText = lib.literalMD "the first 12 characters of the package's store hash";
          description = "Name of the release, given to the app as `APP_RELEASE`.";
          example = "2026-11-21";
        };
        outbound = mkOption {
          type = types.bool;
          default = false;
          description = "Whether the app may open connections to other machines.";
          example = true;
        };
        domain = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Name that nginx serves the app under; null publishes nothing.";
          example = "example.org";
        };
        default = mkOption {
          type = types.bool;
          default = false;
          description = "Whether requests for unknown names come to this app, too.";
          example = true;
        };
        health = {
          path = mkOption {
            type = types.nullOr (types.strMatching "/.*");
            default = null;
            description = "Path that tells whether the app is well; checked from outside after each deployment. Needs `domain`.";
            example = "/healthz";
          };
          body = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "Text its answer must contain.";
            example = "ok";
          };
        };
        resources = {
          memoryMax = mkOption {
            type = types.str;
            default = "512M";
            description = "Memory after which the app is killed and started anew.";
            example = "1G";
          };
          tasksMax = mkOption {
            type = types.ints.positive;
            default = 64;
            description = "How many threads and processes it may have.";
            example = 128;
          };
        };
      };
    };
in
{
  options.services.webapp = mkOption {
    type = types.attrsOf (types.submodule appOptions);
    default = { };
    description = "Stateless web apps by name.";
    example = lib.literalExpression ''
      { site = { package = pkgs.callPackage ./apps/site { }; domain = "example.org"; health.path = "/healthz"; }; }
    '';
  };

  config = mkIf (apps != { }) (
    {
      assertions = lib.mapAttrsToList (name: app: {
        assertion = app.health.path == null || app.domain != null;
        message = "services.webapp.${name}: health.path is checked from outside and needs `domain`.";
      }) apps
      ++ lib.optional (!(options ? berth)) {
        assertion = lib.all (app: app.credentials == [ ]) (lib.attrValues apps);
        message = "services.webapp.<name>.credentials are given by Berth: import its module berth, too.";
      };

      systemd.sockets = mapAttrs' (
        name: app:
        nameValuePair (socketName name app) {
          description = "Socket of the web app ${name}";
          wantedBy = [ "sockets.target" ];
          socketConfig = mkMerge [
            { Service = "${name}.service"; }
            (mkIf (app.socket == null) { ListenStream = "127.0.0.1:${toString app.port}"; })
            (mkIf (app.socket != null) {
              ListenStream = app.socket;
              SocketGroup = config.services.nginx.group;
              SocketMode = "0660";
            })
          ];
        }
      ) apps;

      systemd.services = lib.mapAttrs (
        name: app:
        let
          socket = "${socketName name app}.socket";
        in
        {
          description = "Web app ${name}";
          wantedBy = [ "multi-user.target" ];
          wants = [ "network-online.target" ];
          requires = [ socket ];
          after = [
            "network-online.target"
            socket
          ];
          # Restarted in one go: stopping first would take the socket down with it and refuse connections until the start.
          stopIfChanged = false;
          # It runs one absolute path; nothing else belongs on its PATH.
          enableDefaultPath = false;
          # A crashing app is tried for ever, ever more slowly; giving up would take the socket along.
          startLimitIntervalSec = 0;
          environment = {
            NODE_ENV = "production";
            APP_RELEASE = app.release;
          }
          // lib.optionalAttrs (app.package ? version) { APP_VERSION = app.package.version; }
          // app.environment;
          serviceConfig = mkMerge [
            hardening
            {
              ExecStart = utils.escapeSystemdExecArgs app.command;
              Sockets = socket;
              MemoryMax = app.resources.memoryMax;
              TasksMax = app.resources.tasksMax;
              RestartSec = "1s";
              RestartSteps = 5;
              RestartMaxDelaySec = "30s";
              # Longer than the app's own deadline for open requests.
              TimeoutStopSec = "40s";
            }
            (mkIf (!app.outbound) { IPAddressDeny = "any"; })
          ];
        }
      ) apps;

      services.nginx = mkIf (published != { }) {
        enable = true;
        # A changed configuration is loaded beside open connections.
        enableReload = true;
        recommendedGzipSettings = true;
        recommendedOptimisation = true;
        recommendedProxySettings = true;
        recommendedTlsSettings = true;
        virtualHosts = mapAttrs' (
          _: app:
          nameValuePair app.domain {
            inherit (app) default;
            locations."/" = {
              proxyPass = upstream app;
              # nginx 1.30 would keep it open; a request sent on it while the app restarts is lost, and a POST is not repeated.
              extraConfig = "proxy_set_header Connection close;";
            };
            extraConfig = ''
              add_header X-Content-Type-Options nosniff always;
              add_header Referrer-Policy strict-origin-when-cross-origin always;
            '';
          }
        ) published;
      };

      networking.firewall.allowedTCPPorts = mkIf (published != { }) [ 80 ];
    }
    // lib.optionalAttrs (options ? berth) {
      berth.credentials = lib.mapAttrs (_: app: app.credentials) (
        lib.filterAttrs (_: app: app.credentials != [ ]) apps
      );
      berth.health = lib.mapAttrsToList (_: app: {
        http = "http://${app.domain}${app.health.path}";
        inherit (app.health) body;
      }) (lib.filterAttrs (_: app: app.health.path != null && app.domain != null) apps);
    }
  );
}
