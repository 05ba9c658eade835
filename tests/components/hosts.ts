import * as pulumi from "@pulumi/pulumi";
import type { Access } from "../../components/nixos-host.ts";
import type { HostConfig } from "../../config/host.ts";
import type { HostPlan } from "../../config/plan.ts";
import { parseStackConfig } from "../../config/stack.ts";
import { type Raw, webManifest } from "../unit/config/samples.ts";
import { privateKeyOf, publicKeyOf } from "./mocks.ts";

/** What a stack that people have written says of its host web1. */
export function settingsOf(raw: Raw): HostConfig {
  const { web1 } = parseStackConfig("dev", raw).config.hosts;
  if (!web1) throw new Error("the stack has no host web1");
  return web1;
}

/** The plan of the host web1 of such a stack. */
export const planOf = (raw: Raw): HostPlan => ({
  name: "web1",
  settings: settingsOf(raw),
  manifest: webManifest,
  loginKeys: [],
  published: [],
  price: [],
});

/** A stack's own login and nobody else, from anywhere. Made while a program runs: its key is an output. */
export const access = (changes: Partial<Access> = {}): Access => ({
  sshKeyId: "77",
  otherKeyIds: {},
  loginKey: pulumi.secret(privateKeyOf("login")),
  authorizedKeys: [publicKeyOf("login", "berth dev")],
  from: [],
  ...changes,
});
