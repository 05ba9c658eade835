# A disk with a boot partition and, in the rest of it, the root. Plain data, as disko wants it.
{
  config,
  # Partitions beside these two.
  more ? { },
}:
{
  type = "disk";
  inherit (config.berth.disks.main) device;
  content = {
    type = "gpt";
    partitions = {
      esp = import ./esp.nix { };
      root = {
        size = "100%";
        content = config.berth.layout.root;
      };
    }
    // more;
  };
}
