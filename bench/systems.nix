# A system as heavy as a real one, without building a real one: the lab's, with parts that weigh what a small server's closure weighs.
# The parts named in `changing` are this version's own; the others are shared by all versions.
{
  base,
  version,
  # Bytes of each changing part, as words.
  changing,
}:
let
  from = builtins.storePath base;
  words = text: builtins.filter (word: builtins.isString word && word != "") (builtins.split " " text);
  derive =
    name: attributes:
    derivation (
      {
        inherit name;
        system = builtins.currentSystem;
        builder = "/bin/sh";
      }
      // attributes
    );
  part =
    name: bytes: references:
    derive "bench-${name}" {
      args = [ ./part.sh ];
      inherit bytes references;
    };

  # Few heavy ones, many light ones, as in a closure of nixpkgs: 190 of them, 230 MB.
  bytesOf =
    n:
    if n < 10 then
      14000000
    else if n < 50 then
      1800000
    else
      130000;
  shared = builtins.genList (
    n:
    part "shared-${toString n}" (bytesOf n) (
      map (builtins.elemAt shared) (builtins.filter (m: m >= 0 && m < n) [ (n / 2) (n / 3) (n - 1) ])
    )
  ) 190;
  own = builtins.genList (
    n: part "own-${version}-${toString n}" (builtins.elemAt (words changing) n) [ (builtins.elemAt shared n) ]
  ) (builtins.length (words changing));
in
derive "nixos-system-bench-${version}" {
  args = [ ./toplevel.sh ];
  inherit from;
  parts = shared ++ own;
}
