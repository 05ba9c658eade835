# The flake's checks as a matrix of jobs. ARM runners have no KVM, so tests in VMs are x86's alone.
checks:
let
  runners = {
    x86_64-linux = "ubuntu-24.04";
    aarch64-linux = "ubuntu-24.04-arm";
  };
  boots = name: builtins.match "(spa-)?vm.*" name != null;
  of =
    system:
    map (name: {
      inherit name system;
      runner = runners.${system};
    }) (builtins.filter (name: system == "x86_64-linux" || !boots name) (builtins.attrNames checks.${system}));
in
of "x86_64-linux" ++ of "aarch64-linux"
