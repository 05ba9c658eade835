# The whole configuration of an nginx that hands out the single-page app and nothing else, in the foreground and without root's rights.
{
  # The built app.
  root,
  # Addresses as `listen` has them.
  listen,
  # File with nginx's `types`.
  mimeTypes,
  release,
  # Folder for what nginx must put somewhere, which it may write to.
  cache ? "/var/cache/nginx",
  # Where it writes the number of its process, and what it removes in the end: never a device where root may run it.
  pid ? "/dev/null",
}:
let
  inherit (builtins)
    attrValues
    concatStringsSep
    mapAttrs
    ;
  lines = concatStringsSep "\n";

  served = import ../../nixos/services/spa-nginx.nix { inherit release; };

  location = name: one: ''
    location ${name} {
      ${if one ? tryFiles then "try_files ${one.tryFiles};" else ""}
      ${if one ? return then "return ${one.return};" else ""}
      ${one.extraConfig}
    }
  '';
in
''
  daemon off;
  pid ${pid};
  error_log stderr warn;
  # Files come from the page cache; what a container may use of the machine's processors is not what nginx would count.
  worker_processes 2;

  events {
    worker_connections 1024;
  }

  http {
    include ${mimeTypes};
    types_hash_max_size 2688;
    default_type application/octet-stream;

    access_log /dev/stdout;
    server_tokens off;
    sendfile on;
    tcp_nopush on;

    ${lines (
      map (what: "${what}_temp_path ${cache}/${what};") [
        "client_body"
        "proxy"
        "fastcgi"
        "uwsgi"
        "scgi"
      ]
    )}

    server {
      ${lines (map (address: "listen ${address} default_server;") listen)}
      server_name _;
      root ${root};
      ${served.server}
      ${lines (attrValues (mapAttrs location served.locations))}
    }
  }
''
