# Every module by name; the name follows from the path. Works without flakes: `imports = [ (import ./nixos).berth ];`
{
  berth = ./berth.nix;
  webapp = ./services/webapp.nix;
  profile-base = ./profiles/base.nix;
  profile-hetzner = ./profiles/hetzner;
}
