# The lab's systems: the name each serves the app under, whether over TLS, the credentials that its services expect, and how its
# disk is encrypted.
{
  web = {
    domain = "site.lab";
    tls = false;
  };
  # Its certificate needs a zone that leads the name to the host.
  web-tls = {
    domain = "site.example.org";
    tls = true;
  };
  # Its keeper does nothing but hold credentials.
  web-secrets = {
    domain = "site.lab";
    tls = false;
    credentials = {
      site = [ "GREETING" ];
      keeper = [
        "KEEPER_CERT"
        "KEEPER_KEY"
      ];
    };
  };
  # As encrypted as the lab's disks can be: it waits for its passphrase at every boot.
  web-encrypted = {
    domain = "site.lab";
    tls = false;
    encryption = {
      keyFile = "/tmp/disk.key";
      unlock = {
        port = 2222;
        hostKeyFile = "/etc/ssh/unlock_host_ed25519_key";
        authorizedKeysFile = "/root/.ssh/authorized_keys";
      };
    };
  };
}
