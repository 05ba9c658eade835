# A dedicated server, or a machine of one's own: disks and cards of common hardware, and a network by DHCP or by given addresses.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.berth.uplink;

  static = cfg.addresses != [ ];
  # What networkd takes for more than one card would give each the same address.
  oneCard = cfg.match ? MACAddress || !(lib.any (sign: lib.hasInfix sign (cfg.match.Name or "*")) [
    "*"
    "?"
    "["
    " "
  ]);

  network = {
    matchConfig = cfg.match;
    networkConfig = {
      DHCP = if static then "no" else "yes";
      IPv6AcceptRA = !lib.any (lib.hasInfix ":") cfg.addresses;
    };
    address = cfg.addresses;
    # Hosters often give a gateway that is outside the address's own network.
    routes = map (gateway: {
      Gateway = gateway;
      GatewayOnLink = true;
    }) cfg.gateways;
    dns = cfg.nameservers;
  };
in
{
  options.berth.uplink = {
    match = mkOption {
      type = types.attrsOf types.str;
      default = {
        Name = "en* eth*";
        Type = "ether";
      };
      description = "The card that leads outside, as systemd.network matches it. With addresses of its own it must be one card.";
      example = {
        MACAddress = "a8:a1:59:00:00:01";
      };
    };
    addresses = mkOption {
      type = types.listOf (types.strMatching "[0-9a-fA-F.:]+/[0-9]{1,3}");
      default = [ ];
      description = "Static addresses with the length of their prefix; none means DHCP and router advertisements.";
      example = [
        "203.0.113.7/26"
        "2001:db8:1::2/64"
      ];
    };
    gateways = mkOption {
      type = types.listOf (types.strMatching "[0-9a-fA-F.:]+");
      default = [ ];
      description = "The way out, one of each family that `addresses` has.";
      example = [
        "203.0.113.1"
        "fe80::1"
      ];
    };
    nameservers = mkOption {
      type = types.listOf (types.strMatching "[0-9a-fA-F.:]+");
      default = [ ];
      description = "Who resolves names; what DHCP says when empty.";
      example = [ "9.9.9.9" ];
    };
  };

  config = {
    networking.useNetworkd = true;
    networking.useDHCP = false;
    systemd.network.networks."10-uplink" = network;
    systemd.network.wait-online.anyInterface = true;

    # Whoever unlocks the disk reaches the initrd where the running system will be.
    boot.initrd.systemd.network.networks."10-uplink" = lib.mkIf config.boot.initrd.network.enable network;

    boot.initrd.availableKernelModules = [
      "ahci"
      "nvme"
      "sd_mod"
      "usb_storage"
      "usbhid"
      "xhci_pci"
    ];

    hardware.cpu = lib.mkIf pkgs.stdenv.hostPlatform.isx86 {
      amd.updateMicrocode = lib.mkDefault true;
      intel.updateMicrocode = lib.mkDefault true;
    };

    assertions = [
      {
        assertion = static -> oneCard;
        message = ''
          berth.uplink has addresses and matches any card: each one that is plugged in would have them. Name the card in
          berth.uplink.match, best by its MACAddress (`ip link` on the machine).
        '';
      }
      {
        assertion = static -> cfg.gateways != [ ];
        message = "berth.uplink has addresses and no gateways: the machine would be reached from its own network alone.";
      }
      {
        assertion = static -> cfg.nameservers != [ ];
        message = "berth.uplink has addresses and no nameservers: without DHCP nobody tells the machine who resolves names.";
      }
    ];
  };
}
