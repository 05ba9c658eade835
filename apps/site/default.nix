# The sample app as a package: `bin/site` runs the built server on Node alone.
{
  lib,
  callPackage,
  buildNpmPackage,
  importNpmLock,
  makeWrapper,
  nodejs_24,
  nodejs-slim_24,
}:
let
  packageJson = lib.importJSON ./package.json;
  packageLock = lib.importJSON ./package-lock.json;
  tarballs = callPackage ../lock.nix { nodejs = nodejs_24; } packageLock;
in
buildNpmPackage {
  pname = packageJson.name;
  inherit (packageJson) version;

  # Only what the build reads, so that nothing else makes a new release.
  src = lib.fileset.toSource {
    root = ./.;
    fileset = lib.fileset.unions [
      ./package.json
      ./package-lock.json
      ./src
      ./static
      ./tsconfig.json
      ./vite.config.ts
    ];
  };

  nodejs = nodejs_24;
  npmDeps = importNpmLock {
    package = packageJson;
    inherit packageLock;
    packageSourceOverrides = tarballs;
  };
  inherit (importNpmLock) npmConfigHook;
  nativeBuildInputs = [ makeWrapper ];

  # All packages are build tools: the server is bundled, and nothing of node_modules is installed.
  installPhase = ''
    runHook preInstall
    mkdir -p $out/lib/site
    cp -r build $out/lib/site/
    cp .package.json.orig $out/lib/site/package.json
    makeWrapper ${lib.getExe nodejs-slim_24} $out/bin/site --add-flags $out/lib/site/build/index.js
    runHook postInstall
  '';

  # Node with npm and the packages came for the build; one path of theirs in a bundle would send them all to the server.
  disallowedReferences = [
    nodejs_24
  ]
  ++ lib.filter (tarball: tarball != null) (lib.attrValues tarballs);

  meta = {
    inherit (packageJson) description;
    license = lib.licenses.asl20;
    mainProgram = "site";
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
