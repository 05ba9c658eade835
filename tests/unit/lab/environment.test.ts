import { join } from "node:path";
import { expect, test } from "vitest";
import { environmentOf } from "../../../lab/environment.ts";
import { placesIn } from "../../../lab/folder.ts";
import { checkout } from "../../../lab/setup/places.mjs";

const facts = {
  places: placesIn("/tmp/a lab"),
  path: ["/node/bin", "/nix/bin"],
  tools: { NIX_CONF_DIR: "/nix/conf" },
  oldPath: "/usr/bin:/nix/bin::/x/node_modules/.bin:/bin",
  cloud: { url: "http://127.0.0.1:4000/v1", token: "t".repeat(64) },
};

test("the lab's programs come first on PATH, once, and npm's own folders are left out", () => {
  expect(environmentOf(facts).PATH).toBe("/node/bin:/nix/bin:/usr/bin:/bin");
});

test("everything points into the lab's folder and at its cloud", () => {
  expect(environmentOf(facts)).toMatchObject({
    BERTH_LAB: "/tmp/a lab",
    PULUMI_HOME: "/tmp/a lab/pulumi",
    PULUMI_BACKEND_URL: "file:///tmp/a lab/state",
    HCLOUD_ENDPOINT: "http://127.0.0.1:4000/v1",
    HCLOUD_TOKEN: "t".repeat(64),
    NIX_CONF_DIR: "/nix/conf",
  });
});

test("only the lab in the checkout uses the committed configuration of its stack", () => {
  expect(environmentOf(facts).PULUMI_OPTION_CONFIG_FILE).toBe("/tmp/a lab/Pulumi.lab.yaml");
  const own = environmentOf({ ...facts, places: placesIn(join(checkout, ".lab")) });
  expect(own.PULUMI_OPTION_CONFIG_FILE).toBeUndefined();
});

test("without a cloud there is no token to leave behind in a shell", () => {
  const names = Object.keys(environmentOf({ ...facts, cloud: undefined }));
  expect(names.filter((name) => name.startsWith("HCLOUD"))).toEqual([]);
});
