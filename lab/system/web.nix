# A host: nginx before the app, over TLS or not, sshd for root by key, networkd; everything else is the machine's Debian base.
{
  derivations,
  lab,
  site,
  name,
  domain,
  tls,
  credentials ? { },
  encryption ? null,
}:
let
  inherit (import ./lib/units.nix) unitText unitTree;
  hardening = import ./nixos/services/hardening.nix;

  networking = {
    # Empty: the machine takes its name from the cloud.
    hostName = "";
    firewall.allowedTCPPorts = [
      22
      80
    ]
    ++ (if tls then [ 443 ] else [ ])
    ++ (if encryption != null then [ encryption.unlock.port ] else [ ]);
  };

  changeOver = derivations.script {
    name = "change-over";
    source = ./nixos/services/change-over.sh;
  };

  beside = import ./nixos/services/beside.nix {
    app = "site";
    changeOver = "${changeOver}";
    release = builtins.hashString "sha256" (units."site@.service".text + units."site@.socket".text);
    proxyd = "/usr/lib/systemd/systemd-socket-proxyd";
    credentials = credentials.site or [ ];
    host = domain;
    health = {
      path = "/healthz";
      # The app tells its own store path, so that an old release cannot pass for this one.
      body = "${site}";
    };
    seconds = 20;
  };
  port = beside.port 3000;

  bootGuard = derivations.script {
    name = "boot-guard";
    source = ./nixos/services/boot-guard.sh;
  };

  certificate =
    if tls then
      import ./tls.nix {
        inherit derivations unitText domain;
        inherit (lab) acme;
      }
    else
      {
        units = { };
        etc = { };
      };

  nginxConf =
    let
      part =
        file: values:
        derivations.fill values (
          builtins.head (builtins.match "(.*)\n" (builtins.readFile (./nginx + "/${file}.conf")))
        );
      proxy = part "proxy" { socket = beside.entry; };
      server = part (if tls then "tls" else "plain") { inherit proxy domain; };
    in
    part "nginx" { inherit server; } + "\n";

  # nginx needs some certificate to start.
  selfSigned = if tls then [ certificate.selfSigned ] else [ ];

  vendor = name: "/usr/lib/systemd/system/${name}";

  secrets = import ./credentials.nix {
    inherit
      derivations
      unitText
      hardening
      credentials
      ;
  };

  confined = hardening // secrets.of "site";

  units = {
    "site.service" = {
      wantedBy = [ "multi-user.target" ];
      text = unitText {
        Unit = beside.face.Unit // {
          Description = "Web app";
        };
        inherit (beside.face) Service;
      };
    };

    "site@.socket".text = unitText {
      Unit = beside.socket.Unit // {
        Description = "Socket of the web app, instance %i";
      };
      # Through the port anyone on the host may connect, too.
      Socket = beside.socket.Socket // {
        SocketMode = "0666";
      };
    };

    "site@.service".text = unitText {
      Unit = beside.instance.Unit // {
        Description = "Web app, instance %i";
      };
      Service =
        confined
        // beside.instance.Service
        // {
          ExecStart = "/usr/local/bin/node ${site}/build/index.js";
          Environment = [
            "APP_RELEASE=${site}"
            "APP_VERSION=${site.version}"
            "NODE_ENV=production"
            "ADDRESS_HEADER=X-Forwarded-For"
            "HOST_HEADER=X-Forwarded-Host"
            "PROTOCOL_HEADER=X-Forwarded-Proto"
          ];
          IPAddressDeny = "any";
          MemoryMax = "512M";
          TasksMax = 128;
          RestartSec = "500ms";
          TimeoutStartSec = 30;
          TimeoutStopSec = 40;
        };
    };

    "${port.unit}.socket" = {
      wantedBy = [ "sockets.target" ];
      text = unitText port.socket;
    };
    "${port.unit}.service".text = unitText port.proxy;

    "nginx.service" = {
      wantedBy = [ "multi-user.target" ];
      text = unitText {
        Unit = {
          Description = "Web server";
          After = [ "network.target" ] ++ selfSigned;
          Wants = selfSigned;
          StartLimitIntervalSec = 0;
          # A changed configuration is reloaded, which drops no connection.
          X-Reload-Triggers = builtins.hashString "sha256" nginxConf;
        };
        Service = {
          ExecStart = "/usr/sbin/nginx -e stderr -c /etc/nginx/nginx.conf";
          ExecReload = [
            "/usr/sbin/nginx -e stderr -t -c /etc/nginx/nginx.conf"
            "/bin/kill -HUP $MAINPID"
          ];
          User = "www-data";
          Group = "www-data";
          RuntimeDirectory = "nginx";
          CacheDirectory = "nginx";
          AmbientCapabilities = "CAP_NET_BIND_SERVICE";
          CapabilityBoundingSet = "CAP_NET_BIND_SERVICE";
          NoNewPrivileges = true;
          ProtectSystem = "strict";
          ProtectHome = true;
          PrivateTmp = true;
          PrivateDevices = true;
          Restart = "always";
          RestartSec = "1s";
        };
      };
    };

    "sshd.service" = {
      wantedBy = [ "multi-user.target" ];
      text = unitText {
        Unit = {
          Description = "SSH server";
          After = "network.target";
          StartLimitIntervalSec = 0;
        };
        Service = {
          Type = "notify";
          X-StopIfChanged = false;
          ExecStartPre = "/usr/sbin/sshd -t -f /etc/ssh/sshd_config";
          ExecStart = "/usr/sbin/sshd -D -f /etc/ssh/sshd_config";
          ExecReload = "/bin/kill -HUP $MAINPID";
          RuntimeDirectory = "sshd";
          RuntimeDirectoryMode = "0755";
          # Sessions outlive the server, so that a switch over ssh survives a change of sshd.
          KillMode = "process";
          Restart = "always";
          RestartSec = "1s";
        };
      };
    };

    "berth-boot-guard.service" = {
      wantedBy = [ "sysinit.target" ];
      text = unitText (import ./nixos/services/boot-guard.nix { guard = "${bootGuard}"; });
    };

    "systemd-networkd.service" = {
      vendor = vendor "systemd-networkd.service";
      wantedBy = [ "multi-user.target" ];
    };
    "systemd-networkd-wait-online.service" = {
      vendor = vendor "systemd-networkd-wait-online.service";
      wantedBy = [ "network-online.target" ];
    };

  }
  // certificate.units
  // secrets.units
  // builtins.listToAttrs (map (name: { inherit name; value.masked = true; }) masked);

  # Debian's own, which the base image brings: what does not belong here, or only slows the boot.
  masked = [
    "console-getty.service"
    "ldconfig.service"
    "ssh.socket"
    "systemd-firstboot.service"
    "systemd-journal-catalog-update.service"
    "systemd-resolved.service"
    "systemd-update-done.service"
  ];

  unitFiles = unitTree "systemd/system" units;

  etc = derivations.tree {
    name = "etc";
    files = unitFiles.files // certificate.etc // {
      "webapp/site" = beside.settings;
      "nginx/nginx.conf" = nginxConf;
      "nix/nix.conf" = builtins.readFile ./nix.conf;
      "os-release" = ''
        NAME=NixOS
        ID=nixos
        PRETTY_NAME="Closed-world system of the Berth lab"
        VERSION_ID="26.05"
        VARIANT_ID=lab
      '';
      "resolv.conf" = builtins.concatStringsSep "" (
        map (address: "nameserver ${address}\n") lab.resolvers ++ [ "options timeout:2\n" ]
      );
      "ssh/sshd_config" = builtins.readFile ./sshd_config;
      # As on NixOS: a rescue system reads what the last boot wrote.
      "systemd/journald.conf" = "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n";
      "systemd/network/10-uplink.network.d/50-metadata.conf" = builtins.readFile ./metadata.conf;
      # The enabled units are those of this tree; Debian's presets must not add to them.
      "systemd/system-preset/00-system.preset" = "disable *\n";
      "systemd/system/systemd-networkd-wait-online.service.d/limit.conf" = ''
        [Service]
        ExecStart=
        ExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any --timeout=30
      '';
    };
    links = unitFiles.links // {
      "systemd/system/default.target" = vendor "multi-user.target";
    };
  };
in
{
  inherit networking;
  toplevel = import ./toplevel.nix {
    inherit
      derivations
      lab
      etc
      name
      ;
    # A system that dies as it boots gives way to the boot default, as NixOS has it with nixosModules.berth; sooner here.
    kernelParams = "panic=5";
    locked =
      if encryption == null then
        null
      else
        import ./locked.nix {
          inherit derivations;
          inherit (encryption) unlock;
        };
  };
}
