import { describe, expect, test } from "vitest";
import { worthALook } from "../../../../lab/journey/pulumi.ts";

describe("a line of the engine's output", () => {
  test.each([
    " +  hcloud:index:Server web1-hardware-server created (12s)",
    " ~  berth:deploy:Deployment web1-deployment updated (3s)",
    " -  hcloud:index:Firewall web1-hardware-firewall deleted (0.20s)",
    " +- command:local:Command web1-install replaced (0.1s)",
    " +  berth:deploy:Deployment web1-deployment **creating failed** (9s); error: the build failed",
    " +  command:local:Command web1-install creating (3s)    2.1 s  looking at the host",
    "    error: update failed",
    "error: no stack selected",
    "web1: it did not answer. Next: fix the release and run pulumi up again.",
  ])("is worth a look: %j", (line) => {
    expect(worthALook(line)).toBe(true);
  });

  test.each([
    "@ updating....",
    "",
    "    pulumi:pulumi:Stack berth-lab running",
    " +  hcloud:index:Server web1-hardware-server creating (2s)",
    "Resources:",
    "    + 12 created",
    "Duration: 21s",
    "    warning: the lab's stand-in plays hcloud 1.41.0; Next: nothing",
  ])("is not: %j", (line) => {
    expect(worthALook(line)).toBe(false);
  });
});
