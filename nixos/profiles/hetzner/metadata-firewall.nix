# Only root reaches the metadata service: it hands out the user data to anyone who asks.
{
  networking.nftables.tables.metadata = {
    family = "ip";
    content = ''
      chain output {
        type filter hook output priority filter; policy accept;
        ip daddr 169.254.169.254 meta skuid != 0 counter reject with icmp type admin-prohibited
      }
      chain forward {
        type filter hook forward priority filter; policy accept;
        ip daddr 169.254.169.254 counter reject with icmp type admin-prohibited
      }
    '';
  };
}
