# The unit that watches a boot on trial, and ends what a host that went down has left half done, as plain data: it runs from early on,
# whatever becomes of the rest of the boot.
{ guard }:
{
  Unit = {
    Description = "Return from a boot on trial that nobody confirms";
    DefaultDependencies = false;
    After = "local-fs.target";
    Conflicts = "shutdown.target";
    Before = "shutdown.target";
    # Either will do.
    ConditionPathExists = [
      "|/var/lib/berth/boot-trial"
      "|/var/lib/berth/boot-unsettled"
    ];
    RefuseManualStop = true;
    # A guard that fails goes the way it guards.
    FailureAction = "reboot-force";
  };
  Service = {
    ExecStart = "${guard} /var/lib/berth";
    OOMScoreAdjust = -1000;
    # It belongs to its boot, not to the system that is switched to meanwhile.
    X-RestartIfChanged = false;
  };
}
