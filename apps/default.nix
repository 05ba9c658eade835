# The apps as packages, for a nixpkgs: `(import ./apps pkgs).site`. Container images are of Linux alone.
pkgs:
let
  inherit (pkgs) callPackage lib;

  apps = {
    site = callPackage ./site { };
    spa = callPackage ./spa { };
    webecho = callPackage ./webecho { inherit (apps) site; };
  };
in
apps
// lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
  dockerImage = callPackage ./site/image.nix { package = apps.site; };
  webechoImg = callPackage ./site/image.nix { package = apps.webecho; };
  spa-image = callPackage ./spa/image.nix { inherit (apps) spa; };
}
