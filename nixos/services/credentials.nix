# How a unit gets credentials that a stack gives: the part of its [Service] section, as plain data, so that it is read without a
# module system. `check` runs check-credentials.sh; the unit is named without .service.
{ check }:
unit: names:
if names == [ ] then
  { }
else
  {
    LoadCredentialEncrypted = map (
      name: "${name}:/var/lib/berth/credentials/${unit}/${name}"
    ) names;
    # A condition is asked before systemd reads the credentials, whose own words for a missing one do not name it. As root (+):
    # nobody else may look into the folder.
    ExecCondition = "+${check} ${unit} ${builtins.concatStringsSep " " names}";
  }
