# The lab's systems: the name each serves the app under, whether over TLS, and the credentials that its services expect.
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
}
