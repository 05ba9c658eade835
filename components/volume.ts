import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { goesWith } from "./goes-with.ts";
import { numericId } from "./ids.ts";

export interface VolumeArgs {
  /**
   * Name at Hetzner, unique in the project.
   * @example "prod-web1-data"
   */
  volumeName: string;
  /**
   * Size in GB, from 10 to 10240. It may grow later, and not shrink; the file system on it is the host's to grow.
   * @example 20
   */
  size: number;
  /**
   * Location, as Hetzner names it: the server's. A change replaces the volume, empty.
   * @example "fsn1"
   */
  location: pulumi.Input<string>;
  /** The server it is attached to. */
  server: hcloud.Server;
  /**
   * What must be there before it is attached: the installation. A disk layout that names the wrong disk then finds no volume to
   * wipe, at the first installation as at every later one.
   */
  after: pulumi.Input<pulumi.Resource>[];
  /** Keep the volume from being deleted or replaced, by Pulumi and at Hetzner. @default true */
  protect?: boolean;
  /** Labels at Hetzner. */
  labels?: Record<string, string>;
}

/** A disk of its own that outlives its server. It comes without a file system, and nothing here ever makes one. */
export class Volume extends pulumi.ComponentResource {
  /** The same wherever and as whatever disk it is attached: "/dev/disk/by-id/scsi-0HC_Volume_4711". Known once it is there. */
  readonly path: pulumi.Output<string>;
  /** The resources underneath. */
  readonly nodes: { volume: hcloud.Volume; attachment: hcloud.VolumeAttachment };

  constructor(name: string, args: VolumeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:Volume", name, {}, opts);
    const protect = args.protect ?? true;
    const volume = new hcloud.Volume(
      `${name}-volume`,
      {
        name: args.volumeName,
        size: args.size,
        location: args.location,
        deleteProtection: protect,
        labels: args.labels,
      },
      { parent: this, protect, deleteBeforeReplace: true },
    );
    const attachment = new hcloud.VolumeAttachment(
      `${name}-attachment`,
      { volumeId: numericId(volume.id), serverId: numericId(args.server.id), automount: false },
      {
        parent: this,
        // A volume is attached to one server at a time; a server that goes lets go of it by itself.
        deleteBeforeReplace: true,
        ...goesWith(args.server, protect),
        dependsOn: args.after,
      },
    );
    this.nodes = { volume, attachment };
    this.path = pulumi.all([volume.linuxDevice, attachment.id]).apply(([path]) => path);
    this.registerOutputs({ path: this.path });
  }
}
