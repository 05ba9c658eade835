# nginx before the web apps that have a domain: a virtual host each, over TLS where the app asks for it, and what is asked of it from outside.
{
  config,
  lib,
  options,
  ...
}:
let
  inherit (lib) mapAttrs' mkIf nameValuePair;

  apps = lib.filterAttrs (_: app: app.enable && app.domain != null) config.services.webapp;

  withTls = lib.filterAttrs (_: app: app.tls.enable) apps;
  hasTls = name: withTls ? ${name};
  # HTTP/3's connections are spread over nginx's processes by the kernel, which is asked for that once.
  firstWithTls = lib.head (lib.attrNames withTls);

  scheme = name: if hasTls name then "https" else "http";

  headersOf =
    name: app:
    lib.filterAttrs (_: value: value != null) app.headers
    // lib.optionalAttrs (hasTls name && app.tls.hsts != null) {
      Strict-Transport-Security = "max-age=${toString app.tls.hsts}";
    };
  plain = text: lib.toLower (lib.replaceStrings [ "-" "." "@" ":" ] [ "_" "_" "_" "_" ] text);
  variable = name: header: "$webapp_${plain name}_${plain header}";

  # The app's own value is the one that counts: this one is empty beside it, and empty headers are not sent.
  map' = name: header: value: ''
    map $upstream_http_${plain header} ${variable name header} {
      "" "${value}";
    }
  '';
  lines = f: set: lib.concatStrings (lib.mapAttrsToList f set);
in
{
  config = mkIf (apps != { }) (
    {
      assertions = lib.mapAttrsToList (name: _: {
        assertion = config.security.acme.defaults.email != null;
        message = ''
          services.webapp.${name}.tls: say who is told when a certificate is about to expire, in security.acme.defaults.email, and agree to
          the authority's terms by security.acme.acceptTerms.
        '';
      }) withTls;

      services.nginx = import ./nginx.nix // {
        recommendedTlsSettings = true;
        commonHttpConfig = lines (name: app: lines (map' name) (headersOf name app)) apps;
        virtualHosts = mapAttrs' (
          name: app:
          nameValuePair app.domain {
            inherit (app) default;
            enableACME = hasTls name;
            forceSSL = hasTls name;
            quic = hasTls name;
            reuseport = hasTls name && name == firstWithTls;
            locations."/" = {
              proxyPass = "http://unix:/run/webapp/${name}/current.sock:";
              # nginx 1.30 would keep it open, to an instance that is no longer current; a request sent on it while that ends is lost.
              extraConfig = "proxy_set_header Connection close;";
            };
            extraConfig =
              lines (header: _: "add_header ${header} ${variable name header} always;\n") (headersOf name app)
              # Where browsers learn that there is HTTP/3.
              + lib.optionalString (hasTls name) ''
                add_header Alt-Svc 'h3=":443"; ma=86400' always;
              '';
          }
        ) apps;
      };

      networking.firewall.allowedTCPPorts = [ 80 ] ++ lib.optional (withTls != { }) 443;
      networking.firewall.allowedUDPPorts = lib.optional (withTls != { }) 443;

      systemd.services = lib.concatMapAttrs (_: app: {
        "acme-order-renew-${app.domain}" = {
          # It answers the challenge; NixOS sees to that only where nginx is restarted for each change.
          after = [ "nginx.service" ];
          # No certificate yet is no fault of the release: the name may not lead here before the release is there.
          serviceConfig.SuccessExitStatus = 10;
        };
        # Let's Encrypt takes five that fail in an hour.
        "acme-first-${app.domain}" = {
          description = "Ask again for the first certificate of ${app.domain}";
          unitConfig.ConditionPathExists = "!/var/lib/acme/${app.domain}/acme-success";
          serviceConfig = {
            Type = "oneshot";
            ExecStart = "${config.systemd.package}/bin/systemctl start --no-block acme-order-renew-${app.domain}.service";
          };
        };
      }) withTls;
      systemd.timers = mapAttrs' (
        _: app:
        nameValuePair "acme-first-${app.domain}" {
          description = "Ask again for the first certificate of ${app.domain}";
          wantedBy = [ "timers.target" ];
          timerConfig = {
            OnActiveSec = "15min";
            OnUnitInactiveSec = "15min";
          };
        }
      ) withTls;
    }
    // lib.optionalAttrs (options ? berth) {
      berth.health = lib.mapAttrsToList (name: app: {
        ${scheme name} = "${scheme name}://${app.domain}${app.health.path}";
        inherit (app.health) body;
      }) (lib.filterAttrs (_: app: app.health.path != null) apps);
    }
  );
}
