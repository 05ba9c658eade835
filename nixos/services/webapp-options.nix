# The options of one web app. `authority` tells whether there is one that may be asked for certificates; `systemOf` gives the system of a
# container from its app's name and options.
{
  lib,
  authority,
  systemOf,
}:
{ name, config, ... }:
let
  inherit (lib) mkEnableOption mkOption types;

  usualHeaders = import ./headers.nix;

  # What nginx would read as more than a text, or as the end of it.
  headerValue = types.strMatching "[^\"\\\\$\n]+";
in
{
  options = {
    enable = mkEnableOption "this app" // {
      default = true;
      example = false;
    };
    package = mkOption {
      type = types.package;
      description = "The app. Its main program takes its listening socket from systemd (`LISTEN_FDS`).";
      example = lib.literalExpression "pkgs.callPackage ./apps/site { }";
    };
    command = mkOption {
      type = types.listOf types.str;
      default = [ (lib.getExe config.package) ];
      defaultText = lib.literalExpression "[ (lib.getExe package) ]";
      description = "What is run, word by word.";
      example = [
        "/nix/store/…/bin/site"
        "--quiet"
      ];
    };
    isolation = mkOption {
      type = types.enum [
        "service"
        "container"
      ];
      default = "service";
      description = ''
        What is around the app: a hardened service, or the same service in a NixOS container of its own (systemd-nspawn), with a network
        and users of its own. All other options mean the same in both.
      '';
      example = "container";
    };
    container = mkOption {
      type = types.unspecified;
      internal = true;
      readOnly = true;
      description = "Configuration of the container's system.";
    };
    port = mkOption {
      type = types.port;
      default = 3000;
      description = "Port on 127.0.0.1 that leads to the app, beside nginx. Each app needs its own.";
      example = 3001;
    };
    socket = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "Link to the app's unix socket, in place of `port`; only nginx may connect.";
      example = "/run/site.sock";
    };
    environment = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Environment of the app. World-readable in the Nix store: nothing secret belongs here.";
      example = {
        APP_ECHO_ME = "hello";
      };
    };
    credentials = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = ''
        Secrets that the stack has to give, each a file in `$CREDENTIALS_DIRECTORY`; in `environment`, `%d` is that folder.
      '';
      example = [ "DATABASE_URL" ];
    };
    release = mkOption {
      type = types.str;
      default = import ./release.nix config.package;
      defaultText = lib.literalMD "the first 12 characters of the package's store hash";
      description = "Name of the release, given to the app as `APP_RELEASE`.";
      example = "2026-11-21";
    };
    outbound = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the app may open connections to other machines.";
      example = true;
    };
    domain = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Name that nginx serves the app under; null publishes nothing.";
      example = "example.org";
    };
    default = mkOption {
      type = types.bool;
      default = false;
      description = "Whether requests for unknown names come to this app, too.";
      example = true;
    };
    tls = {
      enable = mkEnableOption ''
        HTTPS under `domain`, by HTTP/2 and HTTP/3, with a certificate that is ordered and renewed over ACME; plain HTTP leads there.
        Needs `security.acme.acceptTerms` and `security.acme.defaults.email`. In a virtual machine (`vmVariant`, VM tests) it is off,
        unless `security.acme.defaults.server` is another than Let's Encrypt's''
      // {
        apply = on: on && authority;
      };
      hsts = mkOption {
        type = types.nullOr types.ints.positive;
        default = null;
        description = ''
          Seconds for which browsers that were here insist on HTTPS (`Strict-Transport-Security`), whatever becomes of it; null does not
          ask them to.
        '';
        example = 31536000;
      };
    };
    headers = mkOption {
      type = types.attrsOf (types.nullOr headerValue);
      description = "Headers of each answer under `domain`, where the app has not set them itself. null drops one of the defaults.";
      default = { };
      defaultText = lib.literalExpression (lib.generators.toPretty { } usualHeaders);
      example = {
        X-Frame-Options = null;
        Permissions-Policy = "camera=()";
      };
    };
    health = {
      path = mkOption {
        type = types.nullOr (types.strMatching "/.*");
        default = null;
        description = "Path that tells whether the app is well; checked from outside after each deployment. Needs `domain`.";
        example = "/healthz";
      };
      body = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Text its answer must contain.";
        example = "ok";
      };
      seconds = mkOption {
        type = types.ints.between 1 90;
        default = 30;
        description = ''
          Seconds that a new instance has to become healthy before it gets any traffic. It is asked for `path` on its own socket, or for
          any answer at all without one.
        '';
        example = 60;
      };
    };
    resources = {
      memoryMax = mkOption {
        type = types.str;
        default = "512M";
        description = "Memory after which the app is killed and started anew; a container's own some 30 MB included.";
        example = "1G";
      };
      tasksMax = mkOption {
        type = types.ints.positive;
        default = 64;
        description = "How many threads and processes it may have.";
        example = 128;
      };
    };
  };

  config.container = (systemOf name config).config;

  config.headers = lib.mapAttrs (_: lib.mkDefault) usualHeaders;
}
