# The host "metal": the same on a dedicated server with two disks, either of which may die. Serial numbers and addresses are made up:
# an installation finds no such disk and wipes nothing.
{
  imports = [
    ../web/site.nix
    ../../nixos/disks/mirror.nix
    ../../nixos/profiles/metal.nix
  ];

  nixpkgs.hostPlatform = "x86_64-linux";
  networking.hostName = "metal";

  berth.disks = {
    main.device = "/dev/disk/by-id/nvme-EXAMPLE_1TB_S000000000000001";
    second.device = "/dev/disk/by-id/nvme-EXAMPLE_1TB_S000000000000002";
  };
  # Without these lines the machine takes what DHCP and router advertisements give it.
  berth.uplink = {
    match.MACAddress = "02:00:00:00:00:01";
    addresses = [
      "203.0.113.7/26"
      "2001:db8:1::2/64"
    ];
    gateways = [
      "203.0.113.1"
      "fe80::1"
    ];
    nameservers = [ "9.9.9.9" ];
  };

  system.stateVersion = "26.05";
}
