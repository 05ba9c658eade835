# The sample app's server with a text of its own at `/echo`. The server is the very package `site`: another text is another release and
# builds nothing but this wrapper.
{
  lib,
  makeBinaryWrapper,
  runCommand,
  site,
  echo ? "Ahoy from webecho. ⚓",
}:
runCommand "webecho-${site.version}"
  {
    pname = "webecho";
    inherit (site) version;
    nativeBuildInputs = [ makeBinaryWrapper ];
    meta = site.meta // {
      description = "The sample app's server, which answers /echo with APP_ECHO_ME.";
      mainProgram = "webecho";
    };
  }
  ''
    makeWrapper ${lib.getExe site} $out/bin/webecho --set-default APP_ECHO_ME ${lib.escapeShellArg echo}
  ''
