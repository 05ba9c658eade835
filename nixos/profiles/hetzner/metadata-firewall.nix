# Only root reaches the metadata service: it hands out the user data to anyone who asks, at 169.254.169.254 and, as cloud-init
# knows, at fe80::a9fe:a9fe of every link.
{
  config,
  lib,
  ...
}:
let
  inherit (config.networking.firewall) backend;
in
{
  networking.nftables.tables.metadata = {
    family = "inet";
    content = builtins.readFile ./metadata.nft;
  };

  # Nothing takes the rules back when the firewall stops: a host without a firewall has no less to hide.
  networking.firewall.extraCommands = lib.mkIf (backend == "iptables") (
    builtins.readFile ./metadata-iptables.sh
  );

  assertions = [
    {
      # firewalld leaves other tables of nftables alone; with them off, nothing would hold these rules.
      assertion = backend == "iptables" || config.networking.nftables.enable;
      message = ''
        networking.firewall.backend is ${backend} and networking.nftables.enable is false: the metadata service would be open to every
        service and container of this host. Set networking.nftables.enable = true.
      '';
    }
  ];
}
