# Any number of stateless web apps: each runs sandboxed behind a socket of systemd's, with a virtual host of nginx before it.
# A new release starts beside the old one and gets the traffic once it is healthy; while one starts again, connections wait in its socket.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:
let
  inherit (lib)
    mapAttrs'
    mkIf
    mkMerge
    mkOption
    nameValuePair
    types
    ;

  apps = lib.filterAttrs (_: app: app.enable) config.services.webapp;
  contained = lib.filterAttrs (_: app: app.isolation == "container") apps;
  isContained = name: contained ? ${name};

  # No name leads to a machine that is there to try things on: the public authority would be asked for real, and in vain.
  virtual = options.virtualisation ? qemu || options.virtualisation ? systemd-nspawn;
  acmeServer = config.security.acme.defaults.server;
  authority = !virtual || acmeServer != null && !lib.hasInfix "letsencrypt.org" acmeServer;

  hardening = import ./hardening.nix;

  inherit (config.systemd) units;
  beside = lib.mapAttrs (
    name: app:
    import ./beside.nix {
      app = name;
      changeOver = "${pkgs.runtimeShell} ${./change-over.sh}";
      # Whatever is changed about the instances, here or by another module.
      release = builtins.hashString "sha256" (
        units."${name}@.service".text + units."${name}@.socket".text
      );
      proxyd = "${config.systemd.package}/lib/systemd/systemd-socket-proxyd";
      inherit (app) credentials;
      host = app.domain;
      scheme = if app.tls.enable then "https" else "http";
      health = {
        inherit (app.health) path body;
      };
      inherit (app.health) seconds;
    }
  ) apps;

  # By the names of their units.
  ports = mapAttrs' (
    name: app:
    let
      port = beside.${name}.port app.port;
    in
    nameValuePair port.unit (port // { inherit name; })
  ) (lib.filterAttrs (_: app: app.socket == null) apps);
  bySocket = lib.filterAttrs (_: app: app.socket != null) apps;

  socketOf = name: app: {
    description = "Socket of the web app ${name}, instance %i";
    unitConfig = beside.${name}.socket.Unit;
    socketConfig = mkMerge [
      beside.${name}.socket.Socket
      # Through `port` anyone on the host may connect, too.
      (mkIf (app.socket == null) { SocketMode = "0666"; })
      (mkIf (app.socket != null) {
        SocketGroup = config.services.nginx.group;
        SocketMode = "0660";
      })
    ];
  };

  # How both kinds of instances are started again, and how long they may take to end.
  again = {
    RestartSec = "1s";
    RestartSteps = 5;
    RestartMaxDelaySec = "30s";
  };

  instanceOf = name: app: {
    description = "Web app ${name}, instance %i";
    # It runs one absolute path; nothing else belongs on its PATH.
    enableDefaultPath = false;
    environment = {
      NODE_ENV = "production";
      APP_RELEASE = app.release;
    }
    // lib.optionalAttrs (app.package ? version) { APP_VERSION = app.package.version; }
    // app.environment;
    unitConfig = beside.${name}.instance.Unit;
    serviceConfig = mkMerge [
      hardening
      beside.${name}.instance.Service
      again
      {
        ExecStart = utils.escapeSystemdExecArgs app.command;
        MemoryMax = app.resources.memoryMax;
        TasksMax = app.resources.tasksMax;
        # Longer than the app's own deadline for open requests.
        TimeoutStopSec = "40s";
      }
      (mkIf (!app.outbound) { IPAddressDeny = "any"; })
    ];
  };

  systemOf =
    name: app:
    import ./webapp-container.nix {
      inherit pkgs;
      inherit (config.system) stateVersion;
      app = name;
      service = mkMerge [
        (instanceOf name app)
        # Those that the container was given.
        { serviceConfig.LoadCredential = app.credentials; }
      ];
      # Its permissions are the host's, where it is made.
      socket = {
        unitConfig = beside.${name}.socket.Unit;
        socketConfig = beside.${name}.socket.Socket;
      };
    };

  containerOf = name: app: {
    description = "Container of the web app ${name}, instance %i";
    enableDefaultPath = false;
    unitConfig = beside.${name}.instance.Unit;
    serviceConfig = mkMerge [
      (import ./isolation.nix {
        app = name;
        system = app.container.system.build.toplevel;
        nspawn = "${config.systemd.package}/bin/systemd-nspawn";
        setUp = "${pkgs.runtimeShell} ${./set-up-root.sh}";
        inherit (app) credentials;
        inherit (app.resources) tasksMax;
      })
      beside.${name}.instance.Service
      again
      {
        MemoryMax = app.resources.memoryMax;
        TimeoutStartSec = "90s";
        # Longer than the app's inside.
        TimeoutStopSec = "50s";
      }
    ];
    path = [ pkgs.coreutils ];
  };
in
{
  imports = [ ./webapp-nginx.nix ];

  options.services.webapp = mkOption {
    type = types.attrsOf (types.submodule (import ./webapp-options.nix { inherit lib authority systemOf; }));
    default = { };
    description = "Stateless web apps by name.";
    example = lib.literalExpression ''
      { site = { package = pkgs.callPackage ./apps/site { }; domain = "example.org"; health.path = "/healthz"; }; }
    '';
  };

  config = mkIf (apps != { }) (
    {
      assertions = lib.concatLists (
        lib.mapAttrsToList (name: app: [
          {
            assertion = app.health.path == null || app.domain != null;
            message = "services.webapp.${name}: health.path is checked from outside and needs `domain`.";
          }
          {
            assertion = app.tls.enable -> app.domain != null;
            message = "services.webapp.${name}: tls is for a `domain`.";
          }
          {
            assertion = isContained name -> !app.outbound;
            message = ''
              services.webapp.${name}: a container has no network but its own loopback, so there is no `outbound` with isolation = "container".
            '';
          }
        ]) apps
      )
      ++ lib.optional (!(options ? berth)) {
        assertion = lib.all (app: app.credentials == [ ]) (lib.attrValues apps);
        message = "services.webapp.<name>.credentials are given by Berth: import its module berth, too.";
      };

      systemd.sockets =
        mapAttrs' (name: app: nameValuePair "${name}@" (socketOf name app)) apps
        // lib.mapAttrs (_: port: {
          description = "Port of the web app ${port.name}";
          wantedBy = [ "sockets.target" ];
          socketConfig = port.socket.Socket;
        }) ports;

      systemd.services =
        lib.mapAttrs (name: _: {
          description = "Web app ${name}";
          wantedBy = [ "multi-user.target" ];
          path = [
            pkgs.curl
            pkgs.util-linux
          ];
          unitConfig = beside.${name}.face.Unit;
          serviceConfig = beside.${name}.face.Service;
        }) apps
        // mapAttrs' (
          name: app:
          nameValuePair "${name}@" (if isContained name then containerOf name app else instanceOf name app)
        ) apps
        // lib.mapAttrs (_: port: {
          description = "Port of the web app ${port.name}";
          enableDefaultPath = false;
          unitConfig = port.proxy.Unit;
          serviceConfig = port.proxy.Service;
        }) ports;

      environment.etc = mapAttrs' (
        name: one: nameValuePair "webapp/${name}" { text = one.settings; }
      ) beside;

      systemd.tmpfiles.settings.webapp = mapAttrs' (
        name: app: nameValuePair app.socket { "L+".argument = beside.${name}.entry; }
      ) bySocket;
    }
    // lib.optionalAttrs (options ? berth) {
      berth.credentials = lib.mapAttrs (_: app: app.credentials) (
        lib.filterAttrs (_: app: app.credentials != [ ]) apps
      );
      berth.credentialUnits = lib.mapAttrs (name: _: "${name}@") apps;
    }
  );
}
