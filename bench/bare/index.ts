/** A program that does nothing but declare as many resources as another: how many is JSON in BERTH_BARE. */
import * as command from "@pulumi/command";
import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { ResourceCounts } from "../pulumi.ts";

const counts = JSON.parse(process.env.BERTH_BARE ?? "") as ResourceCounts;
const names = (kind: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${kind}-${index}`);

for (const name of names("component", counts.components))
  new pulumi.ComponentResource("bare:Component", name);
// Not servers, as those would boot; to the engine and the provider they are resources like any other.
for (const name of names("hcloud", counts.hcloud)) new hcloud.PlacementGroup(name, { name, type: "spread" });
for (const name of names("other", counts.others)) new command.local.Command(name, { create: ":" });
