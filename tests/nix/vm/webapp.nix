# A web app in a VM: its answers, its sandbox, and a change-over that no request fails under.
{
  pkgs,
  modules,
  package,
  isolation,
}:
let
  app = echo: {
    services.webapp.site = {
      inherit isolation package;
      domain = "site.test";
      default = true;
      environment.APP_ECHO_ME = echo;
      health.path = "/healthz";
    };
  };

  confined =
    {
      service = {
        what = "its unit is exposed to 1.2 at most";
        asked = "systemd-analyze security --threshold=12 site@a.service";
      };
      container = {
        what = "its process has a network of its own";
        asked = "test $(readlink /proc/1/ns/net) != $(readlink /proc/$(pgrep --newest node)/ns/net)";
      };
    }
    .${isolation};
in
pkgs.testers.runNixOSTest {
  name = "webapp-${isolation}";

  nodes.machine =
    { lib, ... }:
    {
      imports = [
        modules.webapp
        (app "the first")
      ];
      virtualisation.memorySize = 1024;
      specialisation.next.configuration = {
        services.webapp.site.environment.APP_ECHO_ME = lib.mkForce "the second";
      };
    };

  testScript = ''
    machine.wait_for_unit("site.service")
    machine.wait_for_open_port(80)

    def echoed() -> str:
        return machine.succeed("curl --fail --silent http://localhost/echo")

    with subtest("the app answers, by nginx and by its own port"):
        machine.succeed("curl --fail --silent http://localhost/healthz | grep '\"ok\":true'")
        machine.succeed("curl --fail --silent http://127.0.0.1:3000/healthz | grep '\"ok\":true'")
        assert "the first" in echoed()

    with subtest("${confined.what}"):
        machine.succeed("${confined.asked}")

    with subtest("another release comes without a failed request"):
        machine.succeed(
            "systemd-run --unit=asking --property=Type=exec --setenv=PATH=$PATH -- sh -c '"
            "while :; do if curl --fail --silent --max-time 10 --output /dev/null http://localhost/healthz; "
            "then echo answered; else echo failed; fi >>/tmp/asked; done'"
        )
        machine.wait_until_succeeds("grep --count answered /tmp/asked", timeout=60)
        machine.succeed("/run/booted-system/specialisation/next/bin/switch-to-configuration test")
        assert "the second" in echoed()
        machine.succeed("systemctl stop asking.service")
        machine.fail("grep failed /tmp/asked")

    with subtest("an instance that dies is started again"):
        machine.succeed("systemctl kill --signal=KILL 'site@*.service'")
        machine.wait_until_succeeds("curl --fail --silent http://localhost/healthz", timeout=60)

    with subtest("nothing has failed"):
        failed = machine.succeed("systemctl list-units --failed --plain --no-legend")
        assert failed == "", failed
  '';
}
