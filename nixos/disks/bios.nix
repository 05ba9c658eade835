# Where a BIOS finds GRUB; disko hands the disk to boot.loader.grub.devices for its sake. Plain data, as disko wants it.
{
  size = "1M";
  type = "EF02";
  priority = 1;
}
