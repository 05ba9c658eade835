import { expect, test } from "vitest";
import { deploymentsIn } from "../../../cli/deployments.ts";

const inputs = {
  host: "web1",
  toplevel: "/nix/store/b-new",
  drvPath: "/nix/store/b-new.drv",
  system: "x86_64-linux",
  health: [{ http: "http://example.org/healthz" }],
  healthDeadline: 60,
  loginKey: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:…" },
};
const urn = "urn:pulumi:prod::berth::berth:index:NixosHost$berth:deploy:Deployment::web1-deployment";
const state = (...resources: object[]) => JSON.stringify({ deployment: { resources } });

test("a stack's state tells what each host was deployed as, and what ran there", () => {
  const others = [
    { type: "pulumi:pulumi:Stack", urn: "urn:stack" },
    { type: "berth:host:HostKey", urn: "urn:key", inputs, outputs: { release: "no" } },
    // Of a version that did not know the deadline.
    {
      type: "berth:deploy:Deployment",
      urn: "urn:old",
      inputs: { ...inputs, host: "old", healthDeadline: undefined },
    },
  ];
  const own = { type: "berth:deploy:Deployment", urn, inputs, outputs: { release: "/nix/store/a-old" } };
  const { loginKey: _, ...known } = inputs;
  expect(deploymentsIn(state(...others, own))).toEqual({
    web1: { urn, inputs: known, release: "/nix/store/a-old" },
  });
});

test.each([["{}"], ["not JSON"], [JSON.stringify({ deployment: { resources: null } })]])(
  "a state without resources has no deployments: %s",
  (text) => expect(deploymentsIn(text)).toEqual({}),
);
