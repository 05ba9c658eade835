import { createHash } from "node:crypto";
import type { Value } from "../../../provider/framework/types.ts";
import { type Attributes, DATACENTER_REMOVED } from "./schema.ts";

/** The state keeps no user data, only its SHA-1 in base64. */
const userDataHash = (text: Value): Value =>
  typeof text === "string" ? createHash("sha1").update(text).digest("base64") : text;

/** The properties of a server. */
export const SERVER: Attributes = {
  name: { kind: "text" },
  serverType: { kind: "text", required: true },
  image: { kind: "text", computed: true, replaces: true },
  location: { kind: "text", computed: true, replaces: true },
  userData: { kind: "text", replaces: true, kept: userDataHash },
  sshKeys: { kind: "texts", replaces: true },
  labels: { kind: "labels" },
  keepDisk: { kind: "boolean", default: false },
  backups: { kind: "boolean", default: false },
  rescue: { kind: "text" },
  publicNets: {
    kind: "blocks",
    unordered: true,
    block: {
      ipv4Enabled: { kind: "boolean", default: true },
      ipv6Enabled: { kind: "boolean", default: true },
      ipv4: { kind: "number", computed: true },
      ipv6: { kind: "number", computed: true },
    },
  },
  firewallIds: {
    kind: "numbers",
    computed: true,
    unordered: true,
    ignores: (was, inputs) => inputs.ignoreRemoteFirewallIds === true && Array.isArray(was) && was.length > 0,
  },
  ignoreRemoteFirewallIds: { kind: "boolean", default: false },
  deleteProtection: { kind: "boolean", default: false },
  rebuildProtection: { kind: "boolean", default: false },
  shutdownBeforeDeletion: { kind: "boolean", default: false },
  allowDeprecatedImages: { kind: "boolean" },
  iso: { kind: "text" },
  networks: {
    kind: "blocks",
    unordered: true,
    block: {
      networkId: { kind: "number", computed: true },
      subnetId: { kind: "text", computed: true },
      ip: { kind: "text", computed: true },
      aliasIps: { kind: "texts", unordered: true, default: [] },
      macAddress: { kind: "text", output: true },
    },
  },
  placementGroupId: { kind: "number" },
  datacenter: { kind: "text", computed: true, removed: DATACENTER_REMOVED },
  backupWindow: { kind: "text", output: true },
  ipv4Address: { kind: "text", output: true },
  ipv6Address: { kind: "text", output: true },
  ipv6Network: { kind: "text", output: true },
  primaryDiskSize: { kind: "number", output: true },
  status: { kind: "text", output: true },
};
