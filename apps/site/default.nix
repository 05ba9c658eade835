# The sample app as a package: `bin/site` runs the built server on Node alone.
{
  lib,
  callPackage,
  makeBinaryWrapper,
  nodejs-slim_24,
}:
callPackage ../npm-app.nix { } {
  root = ./.;
  source = lib.fileset.unions [
    ./src
    ./static
    ./tsconfig.json
    ./vite.config.ts
  ];

  nativeBuildInputs = [ makeBinaryWrapper ];

  # All packages are build tools: the server is bundled, and nothing of node_modules is installed.
  # Dates and numbers are the same wherever it runs; Node brings what it needs for that.
  # Whoever wants it to be reached from outside says so.
  installPhase = ''
    runHook preInstall
    mkdir -p $out/lib/site
    cp -r build $out/lib/site/
    cp .package.json.orig $out/lib/site/package.json
    makeWrapper ${lib.getExe nodejs-slim_24} $out/bin/site \
      --add-flags $out/lib/site/build/index.js \
      --set LC_ALL en_US.UTF-8 \
      --set-default HOST 127.0.0.1
    runHook postInstall
  '';

  meta.mainProgram = "site";
}
