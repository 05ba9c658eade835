# What services get from the stack: the [Service] part of a unit's credentials, and a unit that does nothing but hold some.
{
  derivations,
  unitText,
  hardening,
  credentials,
}:
let
  credentialsOf = import ./nixos/services/credentials.nix {
    check = "${derivations.script {
      name = "check-credentials";
      source = ./nixos/services/check-credentials.sh;
    }}";
  };
  confined = hardening // of "keeper";
  of = unit: credentialsOf unit (credentials.${unit} or [ ]);
in
{
  inherit of;

  units =
    if credentials ? keeper then
      {
        "keeper.service" = {
          wantedBy = [ "multi-user.target" ];
          text = unitText {
            Unit = {
              Description = "Holds credentials";
              StartLimitIntervalSec = 0;
            };
            Service = confined // {
              ExecStart = derivations.script {
                name = "keeper";
                source = ./keeper.sh;
              };
              RuntimeDirectory = "keeper";
              IPAddressDeny = "any";
              RestartSec = "1s";
            };
          };
        };
      }
    else
      { };
}
