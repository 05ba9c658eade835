# The image "spa-ami": the same for EC2, as the package of that name. To be registered with the boot mode uefi.
{ lib, modulesPath, ... }:
{
  imports = [
    (modulesPath + "/../maintainers/scripts/ec2/amazon-image.nix")
    ../nixos/profiles/image/amazon.nix
    ./spa-disk.nix
  ];

  image.baseName = "spa-vm";
  # The module's own definition of the package is this host's, not a variant's: there is one image, and it is this.
  image.modules = lib.mkForce { };
}
