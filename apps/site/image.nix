# A package with the sample app's server as a container image.
{
  lib,
  callPackage,
  package,
  port ? 3000,
}:
let
  release = import ../../nixos/services/release.nix package;
in
callPackage ../image.nix { } {
  name = package.pname;
  inherit package port;
  command = [ (lib.getExe package) ];
  environment = {
    NODE_ENV = "production";
    HOST = "0.0.0.0";
    PORT = toString port;
    APP_RELEASE = release;
    APP_VERSION = package.version;
  };
  health = {
    path = "/healthz";
    # Only this very release passes, not one that was left running.
    body = ''"release":"${release}"'';
  };
}
