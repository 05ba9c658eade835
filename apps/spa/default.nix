# The sample single-page app as a package: a folder with `index.html`, `assets/`, and `.gz` and `.br` beside each file that is worth it.
{ callPackage, lib }:
(callPackage ../npm-app.nix { } {
  root = ./.;
  source = lib.fileset.unions [
    ./index.html
    ./public
    ./src
    ./tsconfig.json
    ./vite.config.ts
  ];

  installPhase = ''
    runHook preInstall
    cp -r build $out
    runHook postInstall
  '';
}).overrideAttrs
  {
    # Files and nothing else: no other path comes along with them.
    allowedReferences = [ ];
  }
