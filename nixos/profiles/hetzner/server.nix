# What every Hetzner Cloud server has: virtio hardware, IPv4 by DHCP, IPv6 and host name from the metadata service.
{
  lib,
  modulesPath,
  pkgs,
  ...
}:
{
  imports = [
    ../../disks/options.nix
    # Without its virtio_scsi the initrd does not see the disk.
    (modulesPath + "/profiles/qemu-guest.nix")
    ./metadata-firewall.nix
  ];

  # A layout that is imported beside this takes the one disk there is.
  berth.disks.main = {
    device = lib.mkDefault "/dev/sda";
    single = lib.mkDefault true;
  };

  # After what the architecture's profile names: the last one is /dev/console, which is what the web console shows.
  boot.kernelParams = lib.mkAfter [ "console=tty0" ];

  networking.useNetworkd = true;
  networking.useDHCP = false;
  systemd.network.networks."10-uplink" = {
    # Public and private interfaces alike: Hetzner names them after the bus, which differs between server types.
    matchConfig = {
      Name = "en* eth*";
      Type = "ether";
    };
    networkConfig = {
      DHCP = "ipv4";
      IPv6AcceptRA = false;
    };
  };
  systemd.network.wait-online.anyInterface = true;

  systemd.services.hetzner-addresses = {
    description = "Static addresses and host name from the metadata service";
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    path = [
      pkgs.curl
      pkgs.gnused
    ];
    # Another system's copy of the script finds nothing to change.
    restartIfChanged = false;
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${pkgs.runtimeShell} ${./addresses.sh} http://169.254.169.254/hetzner/v1/metadata /run/systemd/network";
      Restart = "on-failure";
      RestartSec = "5s";
      TimeoutStartSec = "2min";
    };
  };
}
