# How a stateless web app's service is confined: the [Service] section in systemd's own names, as plain data, so that
# it is read without a module system. Add IPAddressDeny = "any" where the app makes no connections of its own.
{
  Type = "simple";
  Restart = "always";
  DynamicUser = true;
  ProtectHome = "tmpfs";
  PrivateTmp = true;
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
