# The system of a container that holds one instance of a web app: what systemd and that service need, and nothing to log in to.
{
  # The host's.
  pkgs,
  stateVersion,
  app,
  # The instance's unit and its socket, as modules.
  service,
  socket,
}:
import (pkgs.path + "/nixos/lib/eval-config.nix") {
  system = null;
  modules = [
    (
      { lib, modulesPath, ... }:
      {
        imports = [ (modulesPath + "/profiles/minimal.nix") ];

        nixpkgs.pkgs = pkgs;
        system = { inherit stateVersion; };

        boot.isContainer = true;
        # The unit on the host starts another one instead.
        system.switch.enable = false;
        system.disableInstallerTools = true;
        nix.enable = false;

        networking = {
          hostName = "";
          useDHCP = false;
          useHostResolvConf = false;
          resolvconf.enable = false;
          firewall.enable = false;
        };

        # The host's journal has it all, under the host's unit.
        services.journald.console = "/dev/console";
        services.journald.extraConfig = ''
          Storage=volatile
          MaxLevelConsole=info
        '';

        users.mutableUsers = false;
        users.allowNoPasswordLogin = true;
        services.nscd.enable = false;
        system.nssModules = lib.mkForce [ ];
        security.sudo.enable = false;
        systemd.coredump.enable = false;
        systemd.oomd.enable = false;
        programs.nano.enable = false;
        fonts.fontconfig.enable = false;

        systemd.services."${app}@" = service;
        systemd.sockets."${app}@" = socket;
        # systemd gives what it was passed to sockets that it knows by the time it has looked at the mounts.
        systemd.targets.local-fs.before = [
          "${app}@a.socket"
          "${app}@b.socket"
        ];
      }
    )
  ];
}
