# A package of an app that npm builds into files: driven by its package-lock.json, from the files that the build reads, with the
# packages and Node that built it kept out of the result.
{
  lib,
  stdenv,
  callPackage,
  buildNpmPackage,
  importNpmLock,
  glibcLocalesUtf8,
  nodejs_24,
}:
{
  # The app's folder, with package.json and package-lock.json.
  root,
  # The files beside those that the build reads, so that nothing else makes a new release.
  source,
  # Puts what `npm run build` left into $out.
  installPhase,
  nativeBuildInputs ? [ ],
  meta ? { },
}:
let
  packageJson = lib.importJSON (root + "/package.json");
  packageLock = lib.importJSON (root + "/package-lock.json");
  tarballs = callPackage ./lock.nix { nodejs = nodejs_24; } packageLock;
in
buildNpmPackage {
  pname = packageJson.name;
  inherit (packageJson) version;

  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions [
      (root + "/package.json")
      (root + "/package-lock.json")
      source
    ];
  };

  nodejs = nodejs_24;
  npmDeps = importNpmLock {
    package = packageJson;
    inherit packageLock;
    packageSourceOverrides = tarballs;
  };
  inherit (importNpmLock) npmConfigHook;

  # What sorts words or writes dates and numbers does it the same way on every builder. C.UTF-8 would need no archive, but macOS has none.
  env = {
    LANG = "en_US.UTF-8";
    LC_ALL = "en_US.UTF-8";
  }
  // lib.optionalAttrs stdenv.buildPlatform.isLinux {
    LOCALE_ARCHIVE = "${glibcLocalesUtf8}/lib/locale/locale-archive";
  };

  # Node with npm and the packages came for the build; one path of theirs in the result would send them all to the server.
  disallowedReferences = [
    nodejs_24
  ]
  ++ lib.filter (tarball: tarball != null) (lib.attrValues tarballs);

  inherit nativeBuildInputs installPhase;

  meta = {
    inherit (packageJson) description;
    license = lib.licenses.asl20;
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  }
  // meta;
}
