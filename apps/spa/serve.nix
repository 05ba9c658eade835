# The configuration that serve.sh fills in: where it listens, and the folder it may write to.
{
  root,
  mimeTypes,
  release,
}:
import ./nginx.nix {
  inherit root mimeTypes release;
  listen = [ "@listen@" ];
  cache = "@folder@";
  pid = "@folder@/nginx.pid";
}
