# A web app over TLS in VMs: a certificate ordered from an ACME server of the test's own, and everything plain leading there.
{
  pkgs,
  modules,
  package,
}:
pkgs.testers.runNixOSTest {
  name = "webapp-acme";

  nodes = {
    acme = {
      imports = [ (pkgs.path + "/nixos/tests/common/acme/server") ];
    };

    machine =
      { nodes, ... }:
      {
        imports = [
          (pkgs.path + "/nixos/tests/common/acme/client")
          modules.webapp
        ];
        networking.domain = "test";
        networking.hosts.${nodes.acme.networking.primaryIPAddress} = [
          nodes.acme.test-support.acme.caDomain
        ];
        services.webapp.site = {
          inherit package;
          domain = "site.test";
          health.path = "/healthz";
          tls = {
            enable = true;
            hsts = 86400;
          };
        };
      };
  };

  testScript =
    { nodes, ... }:
    let
      inherit (nodes.acme.test-support.acme) caDomain;
    in
    ''
      acme.wait_for_unit("pebble.service")
      acme.wait_for_open_port(15000)
      machine.start()
      machine.wait_for_unit("nginx.service")
      machine.succeed("curl --fail --silent --insecure https://${caDomain}:15000/roots/0 >/tmp/root.pem")

      ask = "curl --fail --silent --cacert /tmp/root.pem --resolve site.test:443:127.0.0.1 --resolve site.test:80:127.0.0.1"

      with subtest("the certificate is the authority's"):
          machine.wait_until_succeeds(f"{ask} https://site.test/healthz", timeout=180)

      with subtest("plain HTTP leads there, and browsers are told to stay"):
          machine.succeed(f"{ask} --location --output /dev/null --write-out '%{{url_effective}}' http://site.test/healthz | grep ^https://")
          machine.succeed(f"{ask} --head https://site.test/ | grep --ignore-case 'strict-transport-security: max-age=86400'")

      with subtest("a renewal that is not due changes nothing and fails nothing"):
          machine.succeed("systemctl start acme-order-renew-site.test.service")
          failed = machine.succeed("systemctl list-units --failed --plain --no-legend")
          assert failed == "", failed
    '';
}
