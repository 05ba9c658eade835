# The installer as nixos-anywhere wants it: a tarball with kexec/run.
{ derivations, lab }:
derivations.run {
  name = "lab-kexec-installer-${lab.system}.tar.gz";
  script = ./builders/kexec.sh;
  program = ./kexec-run.sh;
}
