import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { rebootReasons, unitsOf } from "../../../../deployer/compare/systems.ts";

/** A toplevel with these files below etc/systemd/system; null stands for a unit that is masked. */
async function toplevelOf(files: Record<string, string | null>): Promise<string> {
  const toplevel = await mkdtemp(join(tmpdir(), "berth-units-"));
  onTestFinished(() => rm(toplevel, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(toplevel, "etc/systemd/system", name);
    await mkdir(dirname(path), { recursive: true });
    await (text === null ? symlink("/dev/null", path) : writeFile(path, text));
  }
  return toplevel;
}

const read = async (files: Record<string, string | null>) => {
  const { units, started } = await unitsOf(await toplevelOf(files));
  return { units: Object.fromEntries(units), started: [...started] };
};

test("a unit's text is its file with its drop-ins in their order, and with nothing else of their folder", async () => {
  const { units } = await read({
    "site.service": "[Service]\nExecStart=a",
    "site.service.d/20-b.conf": "Nice=2",
    "site.service.d/10-a.conf": "Nice=1",
    "site.service.d/notes": "Nice=3",
  });
  expect(units).toEqual({ "site.service": "[Service]\nExecStart=a\nNice=1\nNice=2" });
});

test("drop-ins of a service that is elsewhere are its text", async () => {
  const { units } = await read({ "user@1000.service.d/overrides.conf": "Nice=1" });
  expect(units).toEqual({ "user@1000.service": "Nice=1" });
});

test("a masked unit is none, with drop-ins or without", async () => {
  const { units } = await read({
    "site.service": null,
    "other.service": null,
    "site.service.d/overrides.conf": "Nice=1",
  });
  expect(units).toEqual({});
});

test("what something wants, requires or upholds is started", async () => {
  const { units, started } = await read({
    "multi-user.target.wants/site.service": "",
    "site.service.requires/db.service": "",
    "site.service.upholds/tunnel.service": "",
  });
  expect(units).toEqual({});
  expect(started.toSorted()).toEqual(["db.service", "site.service", "tunnel.service"]);
});

test("a toplevel without units has none", async () => {
  expect(await read({})).toEqual({ units: {}, started: [] });
});

describe("a reboot is due", () => {
  /** A toplevel with these links to parts that a boot loads, and these files. */
  async function bootable(
    parts: Record<string, string>,
    files: Record<string, string> = {},
  ): Promise<string> {
    const toplevel = await toplevelOf({});
    for (const [name, target] of Object.entries(parts)) {
      const path = join(toplevel, "parts", target);
      await mkdir(path, { recursive: true });
      await symlink(path, join(toplevel, name));
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(toplevel, name), text);
    return toplevel;
  }

  test("for nothing where a toplevel is compared with itself", async () => {
    const same = await bootable({ kernel: "a", initrd: "b" }, { "init-interface-version": "systemd 257" });
    expect(await rebootReasons(same, same)).toEqual([]);
  });

  test("for each part that a boot loads and that is another", async () => {
    const [old, now] = [await bootable({ kernel: "a" }), await bootable({ kernel: "a", initrd: "b" })];
    expect(await rebootReasons(old, now)).toEqual(["kernel", "initrd"]);
  });

  test("for an init that cannot be switched to", async () => {
    const [old, now] = await Promise.all(
      ["systemd 256", "systemd 257"].map((text) => bootable({}, { "init-interface-version": text })),
    );
    expect(await rebootReasons(old ?? "", now ?? "")).toEqual(["init interface"]);
  });
});
