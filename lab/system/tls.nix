# A host's certificate over ACME, as NixOS's security.acme does it: self-signed first, then ordered, then renewed.
{
  derivations,
  unitText,
  domain,
  acme,
}:
let
  script =
    name:
    derivations.script {
      name = "acme-${name}";
      source = ./tls + "/${name}.sh";
      values = {
        inherit domain;
        inherit (acme) directory;
      };
    };

  sandbox = {
    Type = "oneshot";
    StateDirectory = "acme";
    StateDirectoryMode = "0755";
    NoNewPrivileges = true;
    ProtectSystem = "strict";
    ProtectHome = true;
    PrivateTmp = true;
    PrivateDevices = true;
  };

  order = "acme-order-renew-${domain}.service";
in
{
  selfSigned = "acme-${domain}.service";

  units = {
    "acme-${domain}.service" = {
      wantedBy = [ "multi-user.target" ];
      text = unitText {
        Unit = {
          Description = "Ensure certificate for ${domain}";
          # Whenever this starts, the real certificate is asked for.
          Wants = order;
          Before = [
            "nginx.service"
            order
          ];
          StartLimitIntervalSec = 0;
        };
        Service = sandbox // {
          RemainAfterExit = true;
          ExecStart = script "self-signed";
        };
      };
    };

    ${order} = {
      wantedBy = [ ];
      text = unitText {
        Unit = {
          Description = "Order (and renew) ACME certificate for ${domain}";
          Wants = "network-online.target";
          After = [
            "network-online.target"
            "acme-${domain}.service"
            # It answers the challenge.
            "nginx.service"
          ];
          StartLimitIntervalSec = 0;
        };
        Service = sandbox // {
          ExecStart = script "order-renew";
          # No certificate yet is no fault of the release: the name may not lead here before the release is there.
          SuccessExitStatus = 10;
          TimeoutStartSec = "10min";
        };
      };
    };

    "acme-renew-${domain}.timer" = {
      wantedBy = [ "timers.target" ];
      text = unitText {
        Unit = {
          Description = "Renew ACME certificate for ${domain}";
          X-OnlyManualStart = true;
        };
        Timer = {
          OnCalendar = "daily";
          Unit = order;
          Persistent = true;
          RandomizedDelaySec = "24h";
          FixedRandomDelay = true;
        };
      };
    };

    # The first certificate is tried for again and again, not once a day.
    "acme-first-${domain}.timer" = {
      wantedBy = [ "timers.target" ];
      text = unitText {
        Unit.Description = "Ask again for the first ACME certificate for ${domain}";
        Timer = {
          OnActiveSec = "1min";
          OnUnitInactiveSec = "1min";
          AccuracySec = "1s";
        };
      };
    };
    "acme-first-${domain}.service" = {
      wantedBy = [ ];
      text = unitText {
        Unit = {
          Description = "Ask again for the first ACME certificate for ${domain}";
          ConditionPathExists = "!/var/lib/acme/${domain}/acme-success";
        };
        Service = {
          Type = "oneshot";
          ExecStart = "/usr/bin/systemctl start ${order}";
        };
      };
    };
  };

  etc."acme/ca.pem" = acme.root;
}
