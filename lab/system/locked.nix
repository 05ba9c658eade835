# What stands in for the initrd of a host with an encrypted disk: it asks for the passphrase before the system starts.
{ derivations, unlock }:
let
  script =
    name: values:
    derivations.script {
      inherit name values;
      source = ./locked + "/${name}.sh";
    };
  # The project's own, as a real initrd has it.
  bin = derivations.tree {
    name = "locked-bin";
    files = { };
    links.unlock = derivations.script {
      name = "unlock";
      source = ./nixos/disks/unlock.sh;
    };
  };
  sshd = derivations.text "sshd_config" (
    derivations.fill {
      inherit bin;
      port = toString unlock.port;
    } (builtins.readFile ./locked/sshd_config)
  );
in
{
  stage = script "stage" { inherit sshd; };
  secrets = script "secrets" { inherit (unlock) hostKeyFile authorizedKeysFile; };
}
