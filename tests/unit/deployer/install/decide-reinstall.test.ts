import { describe, expect, test } from "vitest";
import { decideInstall } from "../../../../deployer/install/decide.ts";
import {
  type InstallDecision,
  reinstallToken,
  type TargetFacts,
  type Wanted,
} from "../../../../deployer/install/facts.ts";
import { cloudDisk, installed, installer, marked, ordered, sda, wanted } from "./decide-samples.ts";

describe("a reinstall", () => {
  const word = { server: "4711", value: "new layout" };
  const again: Wanted = { ...ordered, reinstall: word };
  const ours: TargetFacts = { ...installed, disks: cloudDisk };
  const booted: TargetFacts = {
    ...installer,
    identity: "lasting",
    bootedBy: [reinstallToken(wanted, "new layout")],
  };

  test.each<[string, TargetFacts, Wanted, InstallDecision]>([
    ["that is wanted of this server wipes it", ours, again, { do: "reinstall" }],
    [
      "is done once a value",
      { ...ours, marker: marked({ reinstall: "new layout" }) },
      again,
      { do: "adopt", rewrite: false },
    ],
    [
      "is done again for another value",
      { ...ours, marker: marked({ reinstall: "older layout" }) },
      again,
      { do: "reinstall" },
    ],
    [
      "of another server leaves this one alone",
      ours,
      { ...again, reinstall: { ...word, server: "4712" } },
      { do: "adopt", rewrite: false },
    ],
    [
      "without a value is none",
      ours,
      { ...again, reinstall: { ...word, value: "" } },
      { do: "adopt", rewrite: false },
    ],
    ["goes on in the installer that it has booted", booted, again, { do: "resume", from: "disko" }],
    [
      "goes on in no installer that another value has booted",
      { ...booted, bootedBy: [reinstallToken(wanted, "older layout")] },
      again,
      expect.objectContaining({
        do: "refuse",
        next: "restart the machine, so that the installed system is back",
      }),
    ],
    [
      "goes on in no installer when it is wanted no more",
      booted,
      ordered,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "does not begin in an installer that shows the marker of an installed system",
      { ...ours, variant: "installer" },
      again,
      {
        do: "refuse",
        because: "an installer runs with the marker of an installed system",
        next: "restart the machine",
      },
    ],
    [
      "does not wipe a volume",
      { ...ours, disks: { ...cloudDisk, disks: [{ ...sda, ids: ["scsi-0HC_Volume_17"] }] } },
      again,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of another stack's host is refused",
      { ...ours, marker: marked({ stack: "dev" }) },
      again,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of a machine that was ordered elsewhere wipes no disk that was not named",
      ours,
      { ...again, ordered: false },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of a machine that was ordered elsewhere wipes the disk that was named",
      ours,
      { ...again, ordered: false, erase: ["1"] },
      { do: "reinstall" },
    ],
  ])("%s", (_, facts, want, expected) => {
    expect(decideInstall(facts, want)).toEqual(expected);
  });
});
