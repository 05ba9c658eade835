# The app, built from source by its own npm build.
{
  run,
  lab,
  source,
}:
let
  manifest = builtins.fromJSON (builtins.readFile (source + "/package.json"));
  runtime = builtins.attrNames (manifest.dependencies or { });
  skipped = [
    "node_modules"
    "build"
    ".svelte-kit"
    ".git"
    "README.md"
  ];
in
if runtime != [ ] then
  throw "The app needs ${toString runtime} when it runs, but only its build/ folder is deployed. Move them to devDependencies, so that the build bundles them."
else
  run {
    name = "${manifest.name}-${manifest.version}";
    script = ./builders/site.sh;
    source = builtins.path {
      name = "${manifest.name}-source";
      path = source;
      # What does not belong to the app must not rebuild it.
      filter = path: _: !builtins.elem (baseNameOf path) skipped;
    };
    inherit (lab) node;
    modules = lab.siteModules;
  }
  // {
    inherit (manifest) version;
  }
