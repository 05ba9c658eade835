import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nixImage, tellChange } from "../../../provider/resources/nix-image.ts";
import { imageEntries, tarOf } from "../deployer/image/archives.ts";
import { EngineDouble, UNKNOWN, type Wire } from "./client.ts";
import { Programs } from "./programs.ts";

const TYPE = "berth:image:NixImage";
const programs = new Programs();
const start = () =>
  EngineDouble.start(
    {
      name: "berth",
      version: "0.1.0",
      resources: { [TYPE]: nixImage(join(programs.folder, "kept")) },
    },
    TYPE,
  );
const lines = ({ log }: EngineDouble) => log.filter((one) => !one.ephemeral).map((one) => one.message);

/** An archive of an image of one layer. */
async function archive(
  text: string,
  config: Record<string, unknown> = {},
): Promise<{ path: string; id: string }> {
  const { entries, id } = await imageEntries([[["app", text]]], {
    config: { ExposedPorts: { "8080/tcp": {} }, User: "1000:1000" },
    ...config,
  });
  const path = join(programs.folder, "image.tar");
  writeFileSync(path, await tarOf(entries));
  return { path, id };
}

/** A Nix that builds a program which writes the archive; asked again, it has built it already. */
function builds(path: string): Wire {
  const out = join(programs.folder, "stream");
  programs.play("nix", `printf '#!/bin/sh\\nexec cat ${path}\\n' >${out}; chmod +x ${out}; echo ${out}`);
  programs.play("nix-store", `echo "$@" >>${programs.folder}/rooted`);
  return { path: "packages.x86_64-linux.site-image", drvPath: "/nix/store/x.drv", out };
}

const stack = { stack: "dev", name: "site-image" };

test("a package is built and read on up; a preview before that says that its id is not known yet", async () => {
  const { path, id } = await archive("v1");
  const inputs = { ...stack, package: builds(path), architecture: "amd64" };
  await using engine = await start();
  const foreseen = await engine.create("site-image", inputs, { preview: true });
  expect(foreseen.outputs["imageId"]).toBe(UNKNOWN);
  expect(lines(engine)).toEqual(["site-image: the image is not built yet; its id is known once it is"]);
  const made = await engine.create("site-image", inputs);
  expect(made.outputs).toMatchObject({
    imageId: id,
    path: (inputs.package as { out: string }).out,
    platform: "linux/amd64",
    ports: ["8080/tcp"],
    user: "1000:1000",
  });
});

test("a preview of what is in the store tells the image's change and its new layers", async () => {
  const { path, id } = await archive("v2");
  const built = builds(path);
  writeFileSync(String(built["out"]), `#!/bin/sh\nexec cat ${path}\n`);
  chmodSync(String(built["out"]), 0o755);
  await using engine = await start();
  const olds = {
    id: "dev/site-image",
    inputs: { ...stack, package: { ...built, out: "/nix/store/other" } },
    outputs: { imageId: `sha256:${"a".repeat(64)}`, layers: [] },
  };
  const foreseen = await engine.update("site-image", olds, { ...stack, package: built }, { preview: true });
  expect(foreseen["imageId"]).toBe(id);
  expect(lines(engine)).toEqual([
    expect.stringMatching(/aaaaaaaaaaaa → [0-9a-f]{12}; 1 of 1 layers are new, 0\.0 MB unpacked/),
  ]);
});

test("an image for other machines is refused, by both names", async () => {
  const { path } = await archive("v1", { architecture: "arm64" });
  await using engine = await start();
  const inputs = { ...stack, package: builds(path), architecture: "amd64" };
  await expect(engine.create("site-image", inputs)).rejects.toThrow(
    /it is for arm64, and what it shall run on is amd64/,
  );
});

test("an image that bears the time of its making is refused: it would be another one each time", async () => {
  const { path } = await archive("v1", { created: new Date(Date.now() + 1000).toISOString() });
  await using engine = await start();
  await expect(engine.create("site-image", { ...stack, package: builds(path) })).rejects.toThrow(
    /just now.*created = "1970-01-01T00:00:01Z"/s,
  );
});

test("an archive is another one when its bytes are, wherever it was made", async () => {
  const { path } = await archive("v1", { created: new Date().toISOString() });
  await using engine = await start();
  const one = await engine.check("site-image", { ...stack, archive: path });
  const made = await engine.create("site-image", one.inputs);
  const state = { ...made, inputs: one.inputs };
  expect(await engine.diff("site-image", state, one.inputs)).toMatchObject({ changes: false });
  await archive("v2");
  const two = await engine.check("site-image", { ...stack, archive: path });
  expect(await engine.diff("site-image", state, two.inputs)).toMatchObject({
    changes: true,
    detailed: { digest: "update" },
  });
});

test("an archive that is not there is refused before anything begins", async () => {
  await using engine = await start();
  const { failures } = await engine.check("site-image", { ...stack, archive: "no/such.tar" });
  expect(failures).toEqual([["archive", expect.stringContaining("there is no file no/such.tar")]]);
});

test.each<[string, Wire, boolean]>([
  [
    "another derivation of the same output",
    { package: { path: "p", drvPath: "/nix/store/two.drv", out: "/o" } },
    false,
  ],
  [
    "another builder",
    { builder: { name: "b", address: "::1", port: 22, user: "root", hostKey: "k" } },
    false,
  ],
  ["another output", { package: { path: "p", drvPath: "/nix/store/two.drv", out: "/other" } }, true],
  ["another architecture", { architecture: "arm64" }, true],
])("%s: whether it changes anything", async (_, change, changes) => {
  await using engine = await start();
  const inputs = { ...stack, package: { path: "p", drvPath: "/nix/store/one.drv", out: "/o" } };
  const state = { id: "dev/site-image", inputs, outputs: inputs };
  expect(await engine.diff("site-image", state, { ...inputs, ...change })).toMatchObject({ changes });
});

test("an image that stays the same is told so, and one that is new by its size", () => {
  const image = { imageId: `sha256:${"b".repeat(64)}`, layers: [{ diffId: "x", size: 2e6 }], size: 2e6 };
  expect(tellChange(undefined, image)).toBe("image bbbbbbbbbbbb, 1 layers, 2.0 MB unpacked");
  expect(tellChange(image, image)).toBe("image bbbbbbbbbbbb, the same as before");
});
