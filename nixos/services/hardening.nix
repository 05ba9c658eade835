# The sandbox of a stateless web app: plain data for `serviceConfig`, so that anything able to write a unit can use it.
# MemoryDenyWriteExecute is missing on purpose: V8 compiles at run time and dies under it.
{
  Type = "simple";
  Restart = "always";
  DynamicUser = true;

  ProtectHome = "tmpfs";
  PrivateTmp = true;
  # Newer than systemd 257, which warns about the key and goes on without it.
  PrivateBPF = true;
  PrivateDevices = true;
  PrivateMounts = true;
  PrivateUsers = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  ProtectClock = true;
  ProtectProc = "noaccess";
  ProtectHostname = true;
  ProtectControlGroups = true;
  ProcSubset = "pid";

  SystemCallArchitectures = "native";
  SystemCallFilter = [
    "@system-service"
    "~@privileged"
  ];
  RestrictNamespaces = true;
  RestrictAddressFamilies = [
    "AF_INET"
    "AF_INET6"
    "AF_UNIX"
  ];
  RestrictRealtime = true;
  LockPersonality = true;
  CapabilityBoundingSet = "";

  IPAddressAllow = "localhost";
  DeviceAllow = "/dev/stdin r";
  DevicePolicy = "closed";
  UMask = "0027";
}
