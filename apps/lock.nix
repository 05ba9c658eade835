# npm packages of a package-lock.json that holds no download addresses: each is fetched by name and version through npm itself and
# must have the lock's integrity. The result is `packageSourceOverrides` for `importNpmLock`.
{
  lib,
  stdenv,
  runCommand,
  nodejs,
}:
packageLock:
let
  # "node_modules/a/node_modules/@b/c" -> "@b/c"; an alias says its real name itself.
  nameOf = path: package: package.name or (lib.last (lib.splitString "node_modules/" path));

  # Whether a list as npm's `os` and `cpu` have it ("linux", "!win32") admits a value.
  admits =
    list: value:
    let
      denied = lib.filter (lib.hasPrefix "!") list;
      allowed = lib.subtractLists denied list;
    in
    !(lib.elem "!${value}" denied) && (allowed == [ ] || lib.elem value allowed);

  inherit (stdenv) buildPlatform;
  libc = if buildPlatform.isMusl then "musl" else "glibc";
  wanted =
    package:
    admits (package.os or [ ]) buildPlatform.node.platform
    && admits (package.cpu or [ ]) buildPlatform.node.arch
    && (!buildPlatform.isLinux || admits (package.libc or [ ]) libc);

  tarball =
    path: package:
    let
      name = nameOf path package;
      spec = "${name}@${package.version}";
    in
    # The ending tells npm that it is a tarball.
    runCommand "${lib.strings.sanitizeDerivationName spec}.tgz"
      {
        nativeBuildInputs = [ nodejs ];
        outputHash = package.integrity;
        outputHashMode = "flat";
        impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [
          "NIX_SSL_CERT_FILE"
          "npm_config_registry"
        ];
        preferLocalBuild = true;
        inherit spec;
      }
      ''
        export HOME="$TMPDIR"
        if [ -n "''${NIX_SSL_CERT_FILE-}" ]; then
          export NODE_EXTRA_CA_CERTS="$NIX_SSL_CERT_FILE"
        fi
        npm pack --ignore-scripts --silent "$spec"
        mv ./*.tgz "$out"
      '';
in
# The root is the app itself. A package for another platform is an optional one that npm leaves out.
lib.mapAttrs (path: package: if wanted package then tarball path package else null) (
  lib.filterAttrs (path: package: path != "" && !(package.link or false)) packageLock.packages
)
