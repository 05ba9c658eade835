# One formatter for the flake's Nix files: `nix fmt`, and what the check `format` holds them to.
pkgs:
let
  # `x == true` is no longer the same without the comparison where x is null or a string.
  statixConfig = (pkgs.formats.toml { }).generate "statix.toml" { disabled = [ "bool_comparison" ]; };
in
pkgs.treefmt.withConfig {
  name = "berth-format";
  runtimeInputs = [
    pkgs.deadnix
    pkgs.nixfmt
    pkgs.statix
  ];
  settings = {
    # Everything else has a formatter of its own.
    on-unmatched = "debug";
    formatter = {
      deadnix = {
        command = "deadnix";
        # A module takes what modules are given, used or not.
        options = [
          "--edit"
          "--no-lambda-pattern-names"
        ];
        includes = [ "*.nix" ];
        priority = 1;
      };
      statix = {
        # It takes one file at a time.
        command = "sh";
        options = [
          "-euc"
          ''for file in "$@"; do statix fix --config ${statixConfig} -- "$file"; done''
          "statix"
        ];
        includes = [ "*.nix" ];
        priority = 2;
      };
      nixfmt = {
        command = "nixfmt";
        includes = [ "*.nix" ];
        priority = 3;
      };
    };
  };
}
