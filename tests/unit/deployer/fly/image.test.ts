import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { architectureOf, flyRegistryLogin } from "../../../../deployer/fly/image.ts";

const digest = `sha256:${"a".repeat(64)}`;
const config = `sha256:${"b".repeat(64)}`;
const token = "FlyV1 fm2_x";

/** A registry of one image, for whoever has the token. */
async function registry(manifest: object, configuration: object) {
  const answers: Record<string, object> = {
    [`/v2/shop/manifests/${digest}`]: manifest,
    [`/v2/shop/blobs/${config}`]: configuration,
  };
  const wanted = `Basic ${Buffer.from(`x:${token}`).toString("base64")}`;
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (request.headers.authorization !== wanted)
      response.writeHead(401, { "www-authenticate": 'Basic realm="fly"' }).end();
    else response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
}
const options = { login: flyRegistryLogin(token), retries: 0 };

test("an image says by its configuration which machines it is for", async () => {
  const shop = await registry({ config: { digest: config } }, { architecture: "arm64" });
  expect(await architectureOf(`${shop}@${digest}`, options)).toBe("arm64");
});

test.each([
  [["arm64", "amd64"], "amd64"],
  [["arm64", "riscv64"], "arm64, riscv64"],
])("one for %j is for %s", async (architectures, expected) => {
  const manifests = architectures.map((architecture) => ({ platform: { architecture } }));
  const shop = await registry({ manifests }, {});
  expect(await architectureOf(`${shop}@${digest}`, options)).toBe(expected);
});

test("one that is not there, or does not say, is refused before anything changes", async () => {
  const shop = await registry({ config: { digest: config } }, {});
  await expect(architectureOf(`${shop}@sha256:${"c".repeat(64)}`, options)).rejects.toThrow(
    /has no such image\. Nothing was changed/,
  );
  await expect(architectureOf(`${shop}@${digest}`, options)).rejects.toThrow(
    /its configuration does not say/,
  );
});
