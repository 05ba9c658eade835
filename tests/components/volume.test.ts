import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { NixosHost } from "../../components/nixos-host.ts";
import { Volume, type VolumeArgs } from "../../components/volume.ts";
import { withHost } from "../unit/config/samples.ts";
import { access, planOf } from "./hosts.ts";
import { api, dependenciesOf, expectFamily, only, settled, underMocks } from "./mocks.ts";

const volume = "hcloud:index/volume:Volume";
const attachment = "hcloud:index/volumeAttachment:VolumeAttachment";
const server = "hcloud:index/server:Server";
const make = (changes: Partial<VolumeArgs> = {}) =>
  underMocks(() => {
    const machine = new hcloud.Server("server", { serverType: "cx23" });
    const installation = new pulumi.ComponentResource("test:Installation", "installation");
    return new Volume("web1-volume-data", {
      volumeName: "prod-web1-data",
      size: 20,
      location: "fsn1",
      server: machine,
      after: [installation],
      labels: { "berth-host": "web1" },
      ...changes,
    });
  });

describe("a Volume", () => {
  test("is a disk without a file system in the server's location, attached and not mounted", async () => {
    const { seen, value } = await make();
    expectFamily(seen, "web1-volume-data", "server", "installation");
    expect(only(seen, volume).inputs).toEqual({
      name: "prod-web1-data",
      size: 20,
      location: "fsn1",
      deleteProtection: true,
      labels: { "berth-host": "web1" },
    });
    expect(only(seen, attachment).inputs).toEqual({
      volumeId: Number(await settled(value.nodes.volume.id)),
      serverId: expect.any(Number),
      automount: false,
    });
    expect(await settled(value.path)).toBe("/dev/disk/by-id/scsi-0HC_Volume_web1-volume-data-volume");
  });

  test.each([true, false])(
    "protected (%s) is so by Pulumi and at Hetzner; its attachment never is",
    async (protect) => {
      const { seen } = await make({ protect });
      const disk = only(seen, volume);
      expect([disk.protect ?? false, disk.inputs.deleteProtection]).toEqual([protect, protect]);
      expect(only(seen, attachment).protect ?? false).toBe(false);
    },
  );

  test("is attached once at a time, and let go by a server that ends", async () => {
    const { seen } = await make({ protect: false });
    const attached = only(seen, attachment);
    expect([attached.deleteBeforeReplace, attached.deletedWith]).toEqual([true, only(seen, server).urn]);
  });

  test("is attached after the host was installed, so that no installation sees it, and before anything is deployed", async () => {
    const plan = planOf(withHost({ volumes: { data: 20, logs: 10 } }));
    const { seen, value } = await underMocks(
      () =>
        new NixosHost("web1", {
          plan,
          access: access(),
          api,
        }),
    );
    for (const name of ["data", "logs"]) {
      const attached = only(seen, attachment, `web1-volume-${name}-attachment`);
      expect(dependenciesOf(attached)).toContain("web1-installation-install");
      expect(dependenciesOf(only(seen, "berth:deploy:Deployment"))).toContain(attached.name);
    }
    const installed = dependenciesOf(only(seen, "command:local:Command"));
    expect(installed.filter((name) => name.includes("volume"))).toEqual([]);
    const paths = await settled(pulumi.output(value.outputs.volumes));
    expect(paths).toEqual({
      data: "/dev/disk/by-id/scsi-0HC_Volume_web1-volume-data-volume",
      logs: "/dev/disk/by-id/scsi-0HC_Volume_web1-volume-logs-volume",
    });
  });
});
