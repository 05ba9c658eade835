# A VM to look at on one's own machine, by `config.system.build.vm`. It has a password that everybody knows, so it is reached from this
# machine alone, reaches nothing itself, and nothing else can be made of it: its disks are QEMU's.
{
  config,
  lib,
  modulesPath,
  ...
}:
{
  imports = [ (modulesPath + "/virtualisation/qemu-vm.nix") ];

  virtualisation = {
    memorySize = lib.mkDefault 1024;
    # What is written goes with the VM.
    diskImage = null;
    # The console is the terminal.
    graphics = false;
    forwardPorts = [
      {
        from = "host";
        host.address = "127.0.0.1";
        host.port = 8080;
        guest.port = 80;
      }
    ];
    restrictNetwork = true;
  };

  users.users.root.password = "demo";
  services.getty.helpLine = "Log in as root with the password: demo. Leave with Ctrl-A X.";

  assertions = [
    {
      assertion = lib.all (
        forward: forward.from == "host" && forward.host.address == "127.0.0.1"
      ) config.virtualisation.forwardPorts;
      message = ''
        virtualisation.forwardPorts leads to a VM whose password everybody knows. Set from = "host" and host.address = "127.0.0.1" for
        each port; without an address it is open on every interface.
      '';
    }
    {
      assertion = !config.services.openssh.enable;
      message = "The profile demo has a password that everybody knows: services.openssh.enable must be false.";
    }
  ];
}
