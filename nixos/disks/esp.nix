# The partition UEFI boots from, mounted where kernels are kept. Plain data, as disko wants it.
{
  mountpoint ? "/boot",
  mountOptions ? [ ],
}:
{
  # Ten generations' kernels.
  size = "1G";
  type = "EF00";
  content = {
    type = "filesystem";
    format = "vfat";
    inherit mountpoint;
    # FAT has no owners: kernels and the secrets of an initrd are root's alone.
    mountOptions = [ "umask=0077" ] ++ mountOptions;
  };
}
