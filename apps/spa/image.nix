# The single-page app and nginx as a container image: `image.override { port = 80; }` for another port.
{
  lib,
  callPackage,
  mailcap,
  nginx,
  writeText,
  spa,
  port ? 8080,
}:
let
  release = import ../../nixos/services/release.nix spa;
  conf = writeText "nginx.conf" (
    import ./nginx.nix {
      root = spa;
      listen = [
        (toString port)
        "[::]:${toString port}"
      ];
      mimeTypes = "${mailcap}/etc/nginx/mime.types";
      inherit release;
    }
  );
in
callPackage ../image.nix { } {
  name = "spa";
  package = spa;
  # Until it has read its configuration, nginx would write to the log that it was built with.
  command = [
    (lib.getExe nginx)
    "-e"
    "stderr"
    "-c"
    conf
  ];
  inherit port;
  health = {
    path = "/healthz";
    body = ''"release":"${release}"'';
  };
  writable = [
    "/var/log/nginx"
    "/var/cache/nginx"
  ];
  stop.signal = "SIGQUIT";
}
