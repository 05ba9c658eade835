# An x86 server of Hetzner Cloud (cx…, cpx…, ccx…): to be imported beside a disk layout.
{ pkgs, ... }:
{
  imports = [ ./server.nix ];

  boot.kernelParams = [ "console=ttyS0,115200" ];

  assertions = [
    {
      assertion = pkgs.stdenv.hostPlatform.isx86;
      message = "The profile hetzner is for x86. Import hetzner-arm instead, which has the console and the firmware of ARM servers.";
    }
  ];
}
