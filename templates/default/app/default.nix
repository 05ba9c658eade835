# The app as a package: its main program takes the socket that it is given by systemd.
{ nodejs-slim, writeShellApplication }:
writeShellApplication {
  name = "app";
  runtimeInputs = [ nodejs-slim ];
  text = "exec node ${./server.mjs}";
}
