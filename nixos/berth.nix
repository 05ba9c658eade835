# What Berth needs of a host to install it, switch it and check it. Import it into every host that a stack names.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.berth;

  credentialsOf = import ./services/credentials.nix {
    check = "${pkgs.runtimeShell} ${./services/check-credentials.sh}";
  };

  bootGuard = import ./services/boot-guard.nix {
    guard = "${pkgs.runtimeShell} ${./services/boot-guard.sh}";
  };

  checkKinds = [
    "http"
    "https"
    "tcp"
    "unit"
    "command"
  ];
  kindsOf = check: lib.filter (kind: check.${kind} != null) checkKinds;

  healthCheck = types.submodule {
    options = {
      http = mkOption {
        type = types.nullOr (types.strMatching "http://.+");
        default = null;
        description = "Address that must answer without TLS. A check has exactly one of `http`, `https`, `tcp`, `unit` and `command`.";
        example = "http://example.org/healthz";
      };
      https = mkOption {
        type = types.nullOr (types.strMatching "https://.+");
        default = null;
        description = "Address that must answer with TLS.";
        example = "https://example.org/healthz";
      };
      tcp = mkOption {
        type = types.nullOr types.port;
        default = null;
        description = "Port that must take connections from outside.";
        example = 5432;
      };
      unit = mkOption {
        type = types.nullOr (types.strMatching "[A-Za-z0-9:_.@\\-]{1,200}[.][a-z]+");
        default = null;
        description = "Unit that must be active.";
        example = "site.service";
      };
      command = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = ''
          Command line that the host's shell runs as root and that must end with 0. Paths of the store belong to the system then: name
          them in `environment.systemPackages` or in a unit, too.
        '';
        example = "systemctl is-system-running";
      };
      status = mkOption {
        type = types.nullOr (types.ints.between 100 599);
        default = null;
        description = "Status that the answer of an address must have; 200 when null.";
        example = 204;
      };
      body = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Text that the answer of an address, or what a command writes, must contain.";
        example = "ok";
      };
      timeout = mkOption {
        type = types.nullOr types.numbers.positive;
        default = null;
        description = "Seconds that one attempt may take; 5 when null.";
        example = 20;
      };
    };
  };
in
{
  imports = [ ./traps.nix ];

  options.berth.health = mkOption {
    type = types.listOf healthCheck;
    default = [ ];
    description = ''
      Checks of a running release. Addresses and ports are asked from outside: the name in the address is sent as Host and SNI, the
      connection goes to the server's own address, so that DNS plays no part. Units and commands are asked on the host, over a new
      connection. A release that fails one is rolled back.
    '';
    example = [
      {
        https = "https://example.org/healthz";
        body = "ok";
      }
    ];
  };

  options.berth.requires =
    lib.genAttrs
      [
        "disk"
        "memory"
      ]
      (
        what:
        mkOption {
          type = types.nullOr types.numbers.positive;
          default = null;
          description = "The least ${what} this system runs with, in GB; a server that has less is refused before it is ordered.";
          example = 4;
        }
      );

  options.berth.credentials = mkOption {
    type = types.attrsOf (types.listOf (types.strMatching "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"));
    default = { };
    description = ''
      systemd credentials that a stack has to give, by unit (without .service). The unit finds each as a file in
      `$CREDENTIALS_DIRECTORY`; without one it fails and says which. A stack that does not give exactly these is refused before anything
      is ordered.
    '';
    example = {
      site = [ "DATABASE_URL" ];
    };
  };

  options.berth.credentialUnits = mkOption {
    type = types.attrsOf types.str;
    default = { };
    internal = true;
    description = "Units that get the credentials of a name, where that is not the unit of that name.";
  };

  config = {
    assertions = [
      {
        assertion = lib.all (check: lib.length (kindsOf check) == 1) cfg.health;
        message = "berth.health: every check has exactly one of ${lib.concatStringsSep ", " checkKinds}.";
      }
      {
        assertion = config.networking.firewall.enable;
        message = ''
          networking.firewall.enable is false: Berth opens the cloud's firewall for the ports of this host's own firewall, and without
          it there is nothing to go by. Enable it and name the ports in networking.firewall.allowedTCPPorts.
        '';
      }
      {
        # Some profiles (srvos' server among them) trust /etc/ssh/authorized_keys.d alone.
        assertion = lib.elem "%h/.ssh/authorized_keys" config.services.openssh.authorizedKeysFiles;
        message = ''
          sshd does not read %h/.ssh/authorized_keys: Berth's login key is put into /root/.ssh/authorized_keys when the host is
          installed, and every later deployment would be locked out. Set services.openssh.authorizedKeysInHomedir = true and add the
          file to services.openssh.authorizedKeysFiles where another module has replaced that list.
        '';
      }
    ];

    services.openssh = {
      enable = true;
      authorizedKeysInHomedir = true;
      settings = {
        PermitRootLogin = "prohibit-password";
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
      };
      # The one lasting host key, brought by the installation; nothing is generated beside it.
      hostKeys = [
        {
          type = "ed25519";
          path = "/etc/ssh/ssh_host_ed25519_key";
        }
      ];
    };

    # The key that logs in arrives with the installation and is not known to the evaluation, so NixOS sees none and would refuse.
    users.allowNoPasswordLogin = true;
    users.mutableUsers = false;

    # Closures are copied by root over ssh, unsigned: it is the connection that is trusted.
    nix.settings.trusted-users = [ "root" ];
    nix.settings.experimental-features = [
      "nix-command"
      "flakes"
    ];

    systemd.services =
      lib.mapAttrs' (
        name: names:
        lib.nameValuePair (cfg.credentialUnits.${name} or name) { serviceConfig = credentialsOf name names; }
      ) (lib.filterAttrs (_: names: names != [ ]) cfg.credentials)
      // {
        berth-boot-guard = {
          wantedBy = [ "sysinit.target" ];
          path = [ config.nix.package ];
          unitConfig = bootGuard.Unit;
          serviceConfig = bootGuard.Service;
        };
      };

    # A kernel that panics, and an initrd that fails, give way to the boot default.
    boot.kernelParams = [
      "panic=30"
      "boot.panic_on_fail"
    ];

    systemd.tmpfiles.settings.berth = {
      # Says who installed the host; written once, by the installation.
      "/etc/berth".d.mode = "0755";
      # Verdicts of trials.
      "/var/lib/berth".d.mode = "0700";
    };
  };
}
