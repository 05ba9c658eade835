# The unit of a web app's instance that is a container, as plain data in systemd's own names: systemd-nspawn around a NixOS system
# whose one service is the instance of the same name, behind the very socket that systemd passes on. Its network is the loopback alone,
# its users are nobody outside. `setUp` runs set-up-root.sh.
{
  app,
  # The container's system.
  system,
  nspawn,
  setUp,
  credentials ? [ ],
  tasksMax,
  # How the mounts of /nix/store show their owners; empty where the file system cannot.
  owners ? ":idmap",
}:
let
  # A host name has no underscores.
  machine = "${builtins.replaceStrings [ "_" ] [ "-" ] app}-%i";
  root = "%t/webapp-container/${machine}";
in
{
  Type = "notify";
  NotifyAccess = "main";
  Restart = "always";
  # What systemd-nspawn says of a reboot inside.
  RestartForceExitStatus = 133;
  SuccessExitStatus = 133;
  KillMode = "mixed";
  Delegate = true;
  DevicePolicy = "closed";
  DeviceAllow = [
    "char-pts rw"
    # systemd-nspawn makes one where the network is private, and fails without.
    "/dev/net/tun rwm"
  ];
  IPAddressAllow = "localhost";
  IPAddressDeny = "any";
  # Those of the container's own few services beside the app's.
  TasksMax = 64 + tasksMax;
  RuntimeDirectory = "webapp-container/${machine}";
  # An empty root does not tell which cgroups its system takes.
  Environment = "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1";
  ExecStartPre = "${setUp} ${root}";
  ExecStart = builtins.concatStringsSep " " (
    [
      nspawn
      "--quiet"
      "--keep-unit"
      "--register=no"
      "--machine=${machine}"
      "--directory=${root}"
      "--private-network"
      "--private-users=pick"
      "--private-users-ownership=auto"
      "--no-new-privileges=yes"
      "--notify-ready=yes"
      "--kill-signal=SIGRTMIN+3"
      "--console=read-only"
      "--link-journal=no"
      "--resolv-conf=off"
      "--timezone=off"
      "--bind-ro=/nix/store:/nix/store${owners}"
    ]
    ++ map (name: "--load-credential=${name}:${name}") credentials
    ++ [
      "--"
      "${system}/init"
      "systemd.wants=${app}@%i.service"
    ]
  );
}
