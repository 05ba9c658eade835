import type * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { BuildsConfig } from "../config/builds.ts";
import type { ExistingConfig, ServerConfig } from "../config/host.ts";
import type { HostPlan } from "../config/plan.ts";
import { Deployment } from "./deployment.ts";
import { ExistingServer } from "./existing-server.ts";
import { Firewall } from "./firewall.ts";
import { firewallRules } from "./firewall-rules.ts";
import type { Hardware } from "./hardware.ts";
import type { HetznerAccess } from "./hetzner-api.ts";
import { HetznerServer } from "./hetzner-server.ts";
import { hostBuilds } from "./host-builds.ts";
import { HostIdentity } from "./host-identity.ts";
import { HostKey } from "./host-key.ts";
import { describeHost, type HostOutputs } from "./host-outputs.ts";
import type { HostWay, VerifiedHostWay } from "./host-way.ts";
import { Installation, type UnlockWith } from "./installation.ts";
import { PrivateAddress, type PrivateNetwork } from "./private-network.ts";
import { ReverseDns } from "./reverse-dns.ts";
import { Secrets } from "./secrets.ts";
import { Volume } from "./volume.ts";

/** Who may log in, and with which key this program does. */
export interface Access {
  /** Hetzner's id of the login key; none in a stack without servers of Hetzner's. */
  sshKeyId: pulumi.Input<string> | undefined;
  /** Hetzner's ids of the keys that base images trust beside it, by fingerprint. */
  otherKeyIds: Record<string, pulumi.Input<string>>;
  /** Private key of the login. Secret. */
  loginKey: pulumi.Input<string>;
  /** Public keys that may log in as root, the login's own among them. */
  authorizedKeys: pulumi.Input<string[]>;
  /** Networks that reach ssh; from anywhere when empty. */
  from: readonly string[];
}

export interface NixosHostArgs {
  /** The host's configuration, its system in the flake and its price. */
  plan: HostPlan;
  /** Who may log in, and with which key this program does. */
  access: Access;
  /** Hetzner's API, where a server is ordered. */
  api: HetznerAccess;
  /** The private network it is in. */
  network?: PrivateNetwork | undefined;
  /** Hetzner's ids of placement groups by name. */
  placementGroupIds?: Record<string, pulumi.Input<string>>;
  /** Where systems are built. @default on the machine that deploys */
  builds?: BuildsConfig;
  /** Content of the stack's secrets by name. Secret. @default none */
  secrets?: Record<string, pulumi.Input<string>>;
  /** Releases that must be done before this host's begins. @default none */
  after?: readonly Deployment[];
  /** How many hosts of the stack may be on trial at a time. @default no limit */
  maxUnavailable?: number;
  /** Keep the server, its addresses, volumes and installation from being deleted or replaced. @default true */
  protect?: boolean;
}

/** A host from order to running release: hardware, identity, installation, deployment. */
export class NixosHost extends pulumi.ComponentResource {
  /** The host's name in the stack. */
  readonly name: string;
  /** What a stack tells of it. */
  readonly outputs: HostOutputs;
  /** The machine it runs on. */
  readonly hardware: HetznerServer | ExistingServer;
  /** Its place in the private network, where there is one. */
  readonly privateAddress: PrivateAddress | undefined;
  /** Its volumes by name. */
  readonly volumes: Record<string, Volume>;
  /** What it runs. */
  readonly deployment: Deployment;
  /** How it is reached, once it is installed. */
  readonly way: VerifiedHostWay;
  readonly #args: NixosHostArgs;

  constructor(name: string, args: NixosHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:index:NixosHost", name, {}, opts);
    this.name = name;
    this.#args = args;
    const { server, existing, reinstall } = args.plan.settings;
    const identity = new HostIdentity(
      `${name}-identity`,
      {
        host: name,
        rotate: args.plan.settings.identity.rotate,
        reinstall: reinstall && `${reinstall.server} ${reinstall.value}`,
        encrypted: args.plan.manifest.encryption !== undefined,
      },
      { parent: this },
    );

    this.hardware = server ? this.#order(server, identity) : this.#existing(existing);
    this.#reverseDns();
    this.privateAddress = this.#joinNetwork();
    const installation = this.#installation(identity);
    this.volumes = this.#volumes(installation);
    const hostKey = this.#hostKey(identity, installation);
    this.way = { ...this.#way, hostKey: hostKey.publicKey };
    const secrets = this.#secrets(hostKey, installation);
    this.deployment = this.#deployment(hostKey, installation, secrets);
    this.#closePorts();

    this.outputs = describeHost(args.plan, {
      hardware: this.hardware,
      hostKey: hostKey.publicKey,
      unlockKey: identity.unlock?.publicKey,
      ageRecipient: identity.ageRecipient,
      privateAddress: this.privateAddress,
      volumes: this.volumes,
      deployment: this.deployment,
    });
    this.registerOutputs(this.outputs);
  }

  get #labels(): Record<string, string> {
    return { "berth-stack": pulumi.getStack(), "berth-host": this.name };
  }

  /** Of what it has at Hetzner. */
  get #cloudName(): string {
    return `${pulumi.getStack()}-${this.name}`;
  }

  get #protect(): boolean {
    return this.#args.protect ?? true;
  }

  /** How it is reached once it is installed. */
  get #way(): HostWay {
    const { address, port } = this.hardware;
    const { jump } = this.#args.plan.settings.existing ?? {};
    return { host: this.name, address, port, loginKey: this.#args.access.loginKey, ...(jump && { jump }) };
  }

  get #rules() {
    const { manifest, settings, published } = this.#args.plan;
    return firewallRules({
      ports: manifest.ports,
      extra: [...settings.firewall, ...published],
      sshFrom: this.#args.access.from,
    });
  }

  #order(server: ServerConfig, identity: HostIdentity): HetznerServer {
    const { access, api, plan, placementGroupIds = {} } = this.#args;
    const placementGroupId = server.placement === undefined ? undefined : placementGroupIds[server.placement];
    const others = plan.loginKeys.flatMap((fingerprint) => access.otherKeyIds[fingerprint] ?? []);
    return new HetznerServer(
      `${this.name}-hardware`,
      {
        serverName: this.#cloudName,
        serverType: server.type,
        location: server.location,
        image: server.image,
        userData: identity.userData,
        hostKey: identity.bootstrapPublicKey,
        sshKeyIds: [...(access.sshKeyId === undefined ? [] : [access.sshKeyId]), ...others],
        rules: this.#rules,
        ipv4: server.ipv4,
        ipv6: server.ipv6,
        backups: server.backups,
        after: this.#args.network && [this.#args.network],
        api,
        ...(placementGroupId === undefined ? {} : { placementGroupId }),
        protect: this.#protect,
        labels: { ...server.labels, ...this.#labels },
      },
      { parent: this },
    );
  }

  #existing(config: ExistingConfig | undefined): ExistingServer {
    if (!config) throw new Error(`${this.name} has neither a server to order nor an existing one`);
    const { address, port, ipv6, hostKey } = config;
    return new ExistingServer(`${this.name}-hardware`, { address, port, ipv6, hostKey }, { parent: this });
  }

  #reverseDns(): void {
    const { reverseDns, domain = false } = this.#args.plan.settings;
    const pointTo = reverseDns ?? domain;
    if (pointTo === false || !(this.hardware instanceof HetznerServer)) return;
    const { ipv4, ipv6 } = this.hardware.nodes;
    const args = { domain: pointTo, ipv4, ipv6, protect: this.#protect };
    new ReverseDns(`${this.name}-reverse-dns`, args, { parent: this });
  }

  #joinNetwork(): PrivateAddress | undefined {
    const { network, plan } = this.#args;
    const { server } = this.hardware;
    if (!network || !server) return undefined;
    return new PrivateAddress(
      `${this.name}-private`,
      {
        server,
        network,
        ip: plan.settings.privateAddress,
        after: [this.hardware],
        protect: this.#protect,
      },
      { parent: this },
    );
  }

  #installation(identity: HostIdentity): Installation {
    const { plan, access, builds } = this.#args;
    return new Installation(
      `${this.name}-installation`,
      {
        host: this.name,
        address: this.hardware.address,
        port: this.hardware.port,
        machineId: this.hardware.machineId,
        ordered: this.hardware.server !== undefined,
        erase: plan.settings.existing?.erase ?? [],
        reinstall: plan.settings.reinstall,
        adopt: plan.settings.adopt,
        addresses: { ipv4: this.hardware.ipv4Address, ipv6: this.hardware.ipv6Address },
        ...(plan.settings.existing && {
          user: plan.settings.existing.user,
          jump: plan.settings.existing.jump,
          offline: plan.settings.existing.offline,
        }),
        ...(this.hardware.server && { api: this.#args.api }),
        bootstrapPublicKey: this.hardware.hostKey,
        publicKey: identity.publicKey,
        privateKey: identity.privateKey,
        ageKey: identity.ageKey,
        unlock: this.#unlock(identity),
        loginKey: access.loginKey,
        authorizedKeys: access.authorizedKeys,
        manifest: plan.manifest,
        builder: builds && hostBuilds(builds, plan, {}).builder,
        protect: this.#protect,
        // The installed system asks the cloud for its private address as it boots.
        after: [this.hardware, ...(this.privateAddress ? [this.privateAddress] : [])],
        deletedWith: this.hardware.server,
      },
      { parent: this },
    );
  }

  /** What its encrypted disk opens with, where it has one. */
  #unlock({ unlock }: HostIdentity): UnlockWith | undefined {
    const { plan, secrets = {} } = this.#args;
    const { disk } = plan.settings;
    if (!unlock || !disk) return undefined;
    const passphrase = secrets[disk.passphrase];
    if (passphrase === undefined) throw new Error(`there is no secret "${disk.passphrase}" in the stack`);
    return { passphrase, ...unlock };
  }

  #volumes(installation: Installation): Record<string, Volume> {
    const { server } = this.hardware;
    const { settings } = this.#args.plan;
    if (!server) return {};
    return Object.fromEntries(
      Object.entries(settings.volumes).map(([volume, size]) => [
        volume,
        new Volume(
          `${this.name}-volume-${volume}`,
          {
            volumeName: `${this.#cloudName}-${volume}`,
            size,
            location: settings.server?.location ?? server.location,
            server,
            after: [installation],
            protect: this.#protect,
            labels: this.#labels,
          },
          { parent: this },
        ),
      ]),
    );
  }

  /** Rotated before a release is tried, and never while one is. */
  #hostKey({ publicKey, privateKey, former }: HostIdentity, installation: Installation): HostKey {
    const { server } = this.hardware;
    return new HostKey(
      `${this.name}-host-key`,
      { ...this.#way, machineId: installation.installed, publicKey, privateKey, former },
      { parent: this, dependsOn: [this.hardware, installation], ...(server && { deletedWith: server }) },
    );
  }

  /** None where no service expects any: what was there goes with the resource. */
  #secrets(hostKey: HostKey, installation: Installation): Secrets | undefined {
    const { plan, secrets = {} } = this.#args;
    if (Object.values(plan.settings.secrets).every((credentials) => Object.keys(credentials).length === 0))
      return undefined;
    const { server } = this.hardware;
    return new Secrets(
      `${this.name}-secrets`,
      {
        ...this.#way,
        hostKey: hostKey.publicKey,
        machineId: installation.installed,
        installationId: installation.id,
        secrets: plan.settings.secrets,
        values: secrets,
      },
      { parent: this, dependsOn: [this.hardware, installation], ...(server && { deletedWith: server }) },
    );
  }

  #deployment(hostKey: HostKey, installation: Installation, secrets: Secrets | undefined): Deployment {
    const { plan, after = [], maxUnavailable, builds } = this.#args;
    const { before, beforeDeadline, rollback } = plan.settings.release;
    const hardware: Hardware = this.hardware;
    return new Deployment(
      `${this.name}-deployment`,
      {
        ...this.#way,
        ipv6Address: hardware.ipv6Address,
        hostKey: hostKey.publicKey,
        // Not the server's own id: the host can be deployed to when it is installed, not when it is ordered.
        machineId: installation.installed,
        system: plan.manifest.system,
        toplevel: plan.manifest.toplevel.out,
        drvPath: plan.manifest.toplevel.drvPath,
        ...(builds && { builds: hostBuilds(builds, plan, this.#args.secrets ?? {}) }),
        health: [...plan.manifest.health, ...plan.settings.health],
        healthDeadline: plan.settings.healthDeadline,
        healthyFor: plan.settings.healthyFor,
        drift: plan.settings.drift,
        reboot: plan.settings.reboot,
        ...(before === undefined ? {} : { before: { command: before, seconds: beforeDeadline } }),
        ...(rollback === "never" && { rollback }),
        ...(hardware.server && { power: this.#powerOf(hardware.server) }),
        ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
        ...(secrets && { credentials: { revision: secrets.revision, names: secrets.names } }),
      },
      {
        parent: this,
        // The hardware with its firewalls: what the release listens on is open before it is tried.
        // Its end is this machine's business, and costs nothing: it does not go with the server.
        dependsOn: [this.hardware, installation, ...Object.values(this.volumes), ...after],
      },
    );
  }

  /** Where a reset from outside can be had. */
  #powerOf(server: hcloud.Server) {
    return pulumi.secret({ serverId: server.id, ...this.#args.api });
  }

  /**
   * The third firewall. In stacks that had one firewall it is that one, with ssh and ports in it and in front of the server ever since:
   * it stays as it was until the two others are there and the release is kept, so that nothing is closed on the way.
   */
  #closePorts(): void {
    if (!(this.hardware instanceof HetznerServer)) return;
    new Firewall(
      `${this.name}-closing`,
      {
        firewallName: `${this.#cloudName}-closing`,
        rules: this.#rules.release,
        labels: { ...this.#args.plan.settings.server?.labels, ...this.#labels },
        server: this.hardware.server,
        after: [this.deployment],
        formerly: [{ name: `${this.name}-hardware-firewall`, parent: this.hardware }],
      },
      { parent: this },
    );
  }
}
