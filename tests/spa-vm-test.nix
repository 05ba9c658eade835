# The single-page app, as its machine serves it, in a VM: `nix build .#checks.x86_64-linux.spa-vm` on a machine with KVM.
{
  pkgs,
  modules,
  package,
}:
pkgs.testers.runNixOSTest {
  name = "spa-vm";

  nodes.machine = {
    imports = [ modules.profile-spa-machine ];
    services.spa-app = { inherit package; };
  };

  testScript = ''
    machine.wait_for_unit("nginx.service")
    machine.wait_for_open_port(80)

    with subtest("the page is the app's"):
        page = machine.succeed("curl --fail --silent http://localhost/")
        assert '<div id="root"' in page, page

    with subtest("a page that is no file is the app's as well, and is asked for anew each time"):
        answer = machine.succeed("curl --fail --silent --include http://localhost/some/page")
        assert '<div id="root"' in answer, answer
        assert "no-cache" in answer.lower(), answer

    with subtest("what an asset's name is the hash of may be kept, and one that is missing is missed"):
        asset = machine.succeed("ls ${package}/assets | grep '[.]js$' | head -n 1").strip()
        headers = machine.succeed(f"curl --fail --silent --head http://localhost/assets/{asset}")
        assert "immutable" in headers, headers
        status = machine.succeed("curl --silent --output /dev/null --write-out '%{http_code}' http://localhost/assets/no.js")
        assert status == "404", status

    with subtest("there is no perl, and nobody logs in"):
        machine.fail("ls -d /nix/store/*-perl-*")
        machine.fail("systemctl is-enabled sshd.service")

    with subtest("nothing has failed"):
        failed = machine.succeed("systemctl list-units --failed --plain --no-legend")
        assert failed == "", failed
  '';
}
