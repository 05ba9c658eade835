# A host for containers that are deployed from outside: Docker with settings that such releases need, and what restores their ports at boot.
{ config, lib, ... }:
let
  inherit (lib) mkDefault mkIf mkOption types;
  cfg = config.services.docker-host;
in
{
  options.services.docker-host = {
    enable = lib.mkEnableOption "Docker for containers that are deployed to this host";
    ports = mkOption {
      type = types.listOf types.port;
      default = [ ];
      description = ''
        TCP ports that containers are reached at from outside; the firewall lets them in. Ports that Docker itself publishes pass every
        firewall of the host; those of a service that is handed over do not, and are named here.
      '';
      example = [
        80
        443
      ];
    };
  };

  config = mkIf cfg.enable {
    virtualisation.docker = {
      enable = true;
      # Images are removed by those who deploy them, each by its id: a general pruning takes what a release is returned to.
      autoPrune.enable = false;
      # Containers run on while a switch restarts the engine.
      liveRestore = mkDefault true;
      # Docker's logs are the journal's, and take what that may take.
      logDriver = mkDefault "journald";
    };

    # The deployer writes what is restored; this folder is the system's, so it cannot put the unit here itself.
    systemd.services.berth-docker = {
      description = "Ports of containers that Berth has deployed";
      wantedBy = [ "multi-user.target" ];
      before = [ "docker.service" ];
      unitConfig.ConditionPathExists = "/var/lib/berth/docker/restore";
      # A switch of the host is no boot: the ports are held by units that it does not know, and leaves alone.
      restartIfChanged = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/bin/sh /var/lib/berth/docker/restore";
      };
    };

    networking.firewall.allowedTCPPorts = cfg.ports;
  };
}
