# Fails where a system's closure is larger than what closure-sizes.json allows it, and says what makes it so.
{ lib, pkgs }:
let
  sizes = lib.importJSON ./closure-sizes.json;
in
name: toplevel:
let
  limit =
    (sizes.${name} or (throw "tests/nix/closure-sizes.json says nothing of ${name}: give it a limit.")).limit;
in
pkgs.runCommand "closure-size-${name}" { } ''
  awk -v name=${name} -v root=${toplevel} -v limit=${toString (limit * 1000000)} \
    -f ${./closure-size.awk} ${pkgs.closureInfo { rootPaths = [ toplevel ]; }}/registration
  touch $out
''
