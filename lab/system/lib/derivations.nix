# Plain derivations: a shell script of this folder, run by the build machine's /bin/sh and coreutils.
{ system }:
rec {
  # `script` sees `out` and every other attribute as an environment variable.
  run =
    { name, script, ... }@arguments:
    derivation (
      {
        PATH = "/usr/local/bin:/usr/bin:/bin";
        LC_ALL = "C.UTF-8";
        # The build machine's tools are outside the store, which a sandbox hides: this says so in Nix's own words.
        __noChroot = true;
        preferLocalBuild = true;
        allowSubstitutes = false;
      }
      // removeAttrs arguments [ "script" ]
      // {
        inherit system;
        builder = "/bin/sh";
        args = [
          "-eu"
          script
        ];
      }
    );

  # A file with this text.
  text =
    name: content:
    run {
      inherit name content;
      passAsFile = [ "content" ];
      script = ../builders/text.sh;
    };

  # A folder made of `files` (path = text) and `links` (path = target).
  tree =
    {
      name,
      files,
      links ? { },
    }:
    let
      paths = builtins.attrNames files;
      numbered = builtins.genList (i: {
        name = "file${toString i}";
        value = files.${builtins.elemAt paths i};
      }) (builtins.length paths);
      lines = builtins.concatStringsSep "\n";
    in
    run (
      builtins.listToAttrs numbered
      // {
        inherit name;
        script = ../builders/tree.sh;
        paths = lines paths;
        links = lines (map (path: "${path} ${links.${path}}") (builtins.attrNames links));
        passAsFile = map (file: file.name) numbered ++ [
          "paths"
          "links"
        ];
      }
    );

  # A program: `source` with every @name@ of `values` filled in.
  script =
    {
      name,
      source,
      values ? { },
    }:
    run {
      inherit name;
      script = ../builders/script.sh;
      content = fill values (builtins.readFile source);
      passAsFile = [ "content" ];
    };

  fill =
    values:
    let
      names = builtins.attrNames values;
    in
    builtins.replaceStrings (map (name: "@${name}@") names) (map (name: "${values.${name}}") names);
}
