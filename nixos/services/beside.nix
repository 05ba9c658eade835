# The units of a web app that changes over beside what runs, as plain data in systemd's own names: two instances, each behind a socket
# of its own, and the unit that stands for the app, whose start and reload are change-over.sh. `changeOver` runs that, `release` is
# another text for whatever needs another instance. `proxyd` is systemd-socket-proxyd.
{
  app,
  changeOver,
  release,
  proxyd,
  credentials ? [ ],
  host ? null,
  # What the app is told that it is asked by.
  scheme ? "http",
  health ? { },
  # Seconds until a new instance has to be well.
  seconds ? 30,
}:
let
  line = key: value: if value == null then "" else "${key}=${toString value}\n";
  # The file is lines; a text of several is asked for from outside alone.
  oneLine = text: if text != null && builtins.match "[^\n]*" text != null then text else null;

  # The file /etc/webapp/APP.
  settings =
    line "release" release
    + builtins.concatStringsSep "" (map (line "credential") credentials)
    + line "host" host
    + line "scheme" (if scheme == "http" then null else scheme)
    + line "path" (health.path or null)
    + line "body" (oneLine (health.body or null))
    + line "seconds" seconds;
  entry = "/run/webapp/${app}/current.sock";
in
{
  inherit settings;

  # Requests come through this link, to the instance that is current.
  inherit entry;

  socket = {
    Unit = {
      PartOf = "${app}.service";
    };
    Socket = {
      ListenStream = "/run/webapp/${app}/%i.sock";
      # Requests wait here while the instance starts, or starts again, however many they are.
      Backlog = 4096;
      TriggerLimitIntervalSec = 0;
      RemoveOnStop = true;
    };
  };

  instance = {
    Unit = {
      PartOf = "${app}.service";
      Requires = "${app}@%i.socket";
      After = [
        "${app}@%i.socket"
        "network-online.target"
      ];
      Wants = "network-online.target";
      # A crashing app is tried for ever; giving up would take the socket along.
      StartLimitIntervalSec = 0;
      # One that has given the traffic up may end badly, and is no failure then.
      CollectMode = "inactive-or-failed";
    };
    Service = {
      # A switch leaves what runs alone; the change-over replaces it.
      X-RestartIfChanged = false;
    };
  };

  face = {
    Unit = {
      X-Restart-Triggers = builtins.hashString "sha256" settings;
    };
    Service = {
      Type = "oneshot";
      RemainAfterExit = true;
      X-ReloadIfChanged = true;
      ExecStart = "${changeOver} start ${app}";
      ExecReload = "${changeOver} reload ${app}";
      ExecStop = "${changeOver} stop ${app}";
      # The instance before may take its time to end, the new one to start and to become healthy.
      TimeoutStartSec = 240 + seconds;
      TimeoutStopSec = 20;
    };
  };

  # The same by a port, for whoever connects there: `unit` is the name of both.
  port =
    number:
    let
      # A switch leaves a changed socket alone, so the port is part of the name: another port, another unit.
      unit = "${app}-port-${toString number}";
    in
    {
      inherit unit;
      socket.Socket.ListenStream = "127.0.0.1:${toString number}";
      proxy = {
        Unit = {
          Requires = "${unit}.socket";
          After = "${unit}.socket";
        };
        # It connects anew for each connection, and so to the instance that is current by then.
        Service = import ./hardening.nix // {
          Type = "notify";
          Restart = "no";
          ExecStart = "${proxyd} --exit-idle-time=60s ${entry}";
          IPAddressDeny = "any";
          X-StopIfChanged = false;
        };
      };
    };
}
