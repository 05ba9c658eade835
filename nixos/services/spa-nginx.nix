# How nginx hands out a single-page app, as plain data with the names of NixOS's virtual hosts: for the module and for the image alike.
{
  # Told at /healthz, so that a check knows which release answers.
  release,
  # Whether this nginx can serve `.br` files.
  brotli ? false,
}:
let
  # nginx drops the server's headers in a location that adds one, so each location says all of them.
  usual = import ./headers.nix;
  headers = builtins.concatStringsSep "" (
    map (name: "add_header ${name} ${usual.${name}} always;\n") (builtins.attrNames usual)
  );
  # Without `always`: an error is nothing to keep.
  cached = policy: ''
    add_header Cache-Control "${policy}";
    ${headers}'';
in
{
  server = ''
    # Whoever asks may know this server by another port.
    absolute_redirect off;
    charset utf-8;
    charset_types text/css text/javascript application/javascript application/json application/manifest+json image/svg+xml text/plain text/xml;
    # What the build has compressed, also for a proxy that asks.
    gzip_static on;
    gzip_vary on;
    gzip_proxied any;
  ''
  + (if brotli then "brotli_static on;\n" else "");

  locations = {
    # Every path that is no file is a page of the app. Whether the index is still that of the running release is asked each time.
    "/" = {
      tryFiles = "$uri $uri/ /index.html";
      extraConfig = cached "no-cache";
    };

    # A missing file is missing: the index in its place would be run as a script, or be cached as one.
    "/assets/" = {
      tryFiles = "$uri =404";
      extraConfig = cached "no-cache";
    };

    # Names with Vite's hash of the content: what such a name once was, it always is.
    "~ \"^/assets/.+-[A-Za-z0-9_-]{8}\\.[^/]+$\"" = {
      tryFiles = "$uri =404";
      extraConfig = cached "public, max-age=31536000, immutable";
    };

    "= /healthz" = {
      return = "200 '{\"ok\":true,\"release\":\"${release}\"}'";
      extraConfig = ''
        default_type application/json;
        access_log off;
        ${cached "no-store"}'';
    };
  };
}
