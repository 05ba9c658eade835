import type { StackView } from "../../../cli/stack.ts";

/** A stack with a server of Hetzner's and a machine that was ordered elsewhere. */
export const sampleStack: StackView = {
  name: "prod",
  hosts: {
    web1: {
      url: "https://example.org/",
      address: "203.0.113.7",
      ipv6Address: "2001:db8::7",
      port: 22,
      hostKey: "ssh-ed25519 AAAAweb1 web1",
      type: "cx23",
      serverId: "4711",
      release: "/nix/store/abc-nixos-system-web1-26.05",
      pricePerMonth: 5.99,
      ageRecipient: "age1web1",
    },
    metal: {
      url: "http://[2001:db8::9]/",
      address: "2001:db8::9",
      ipv6Address: "2001:db8::9",
      port: 2222,
      hostKey: "ssh-ed25519 AAAAmetal metal",
      type: "existing",
      serverId: "",
      release: "not deployed by the last update",
      pricePerMonth: 0,
      ageRecipient: "age1metal",
    },
  },
  loginKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n",
  loginPublicKey: "ssh-ed25519 AAAAlogin berth prod",
};
