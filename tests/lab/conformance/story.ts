import type { Made, Play } from "./play.ts";

/** What a stack's program does with resources of one kind, over their lives. */
export type Story = (play: Play, given: Given) => Promise<void>;

/** What a story cannot make up. */
export interface Given {
  /** PEM. */
  certificate: string;
  /** PEM. */
  privateKey: string;
}

/** An id as other resources' arguments want it. */
export const number = (made: Made): number => Number(made.id);

export const labels = { "berth-stack": "test" };

/** The least a server needs beside its name. */
export const plainServer = { serverType: "cx23", image: "debian-13", location: "fsn1" };

/** A subnet of a network. */
export const subnetOf = (network: Made) => ({
  networkId: number(network),
  type: "cloud",
  networkZone: "eu-central",
  ipRange: "10.0.1.0/24",
});
