# An image for EC2, to be imported beside nixpkgs' own module for one: it boots from UEFI, holds no source of nixpkgs, and does not
# rebuild itself from what stands in an instance's user data.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}:
{
  ec2.efi = true;
  virtualisation.amazon-init.enable = false;
  # The way in is ssh, with the key that was named at the launch and nothing else.
  services.openssh.settings = {
    PasswordAuthentication = false;
    KbdInteractiveAuthentication = false;
  };
  services.amazon-ssm-agent.enable = lib.mkForce false;

  # EC2 names its instances.
  networking.hostName = "";

  system.build.amazonImage = lib.mkForce (
    import (modulesPath + "/../lib/make-disk-image.nix") {
      inherit config lib pkgs;
      inherit (config.amazonImage) format;
      inherit (config.image) baseName;
      inherit (config.virtualisation) diskSize;
      name = config.image.baseName;
      partitionTableType = "efi";
      copyChannel = false;
      # What an upload needs to know, as nixpkgs' own images tell it.
      postVM = ''
        mkdir -p $out/nix-support
        echo "file ${config.amazonImage.format} $diskImage" >> $out/nix-support/hydra-build-products
        ${lib.getExe pkgs.jq} -n \
          --arg label ${lib.escapeShellArg config.system.nixos.version} \
          --arg system ${lib.escapeShellArg pkgs.stdenv.hostPlatform.system} \
          --arg file "$diskImage" \
          --arg logical_bytes "$(${pkgs.qemu_kvm}/bin/qemu-img info --output json "$diskImage" | ${lib.getExe pkgs.jq} '."virtual-size"')" \
          '{ label: $label, boot_mode: "uefi", system: $system, logical_bytes: $logical_bytes, file: $file,
             disks: { root: { logical_bytes: $logical_bytes, file: $file } } }' \
          > $out/nix-support/image-info.json
      '';
    }
  );
}
