# The lab's systems: the name each serves the app under, and whether over TLS.
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
}
