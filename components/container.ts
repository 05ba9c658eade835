import * as pulumi from "@pulumi/pulumi";
import type { BuildsConfig } from "../config/builds.ts";
import type { ComposeProjectConfig } from "../config/compose.ts";
import type { ContainerService } from "../config/container.ts";
import { specOf } from "../config/container-spec.ts";
import type { ContainerConfig, DockerMachine } from "../config/containers.ts";
import { type ImagePlan, imagePlaces } from "../config/images.ts";
import { ComposeProject } from "./compose-project.ts";
import { DockerHostService, type HereImage, type PulledImage } from "./docker-host-service.ts";
import { builderFor } from "./host-builds.ts";
import type { VerifiedHostWay } from "./host-way.ts";
import { NixImage } from "./nix-image.ts";
import type { NixosHost } from "./nixos-host.ts";
import { RegistryPush } from "./registry-push.ts";

export interface ContainerArgs {
  /** The container as the stack has it. */
  config: ContainerConfig;
  /** The stack's host that it runs on; none for a machine that is written out. */
  host?: NixosHost | undefined;
  /** Private key that logs in on machines that are written out. Secret. */
  loginKey: pulumi.Input<string>;
  /** Its images by their place in the configuration. */
  images: Readonly<Record<string, ImagePlan>>;
  /** Where images are built. */
  builds: BuildsConfig;
  /** Content of the stack's secrets by name. Secret. */
  secrets: Readonly<Record<string, string>>;
}

/** What a stack tells about a container. */
export interface ContainerOutputs {
  /** Where it runs: a host of the stack, or an address. */
  on: string;
  /** The image that runs, by its id; empty for a project of docker compose. */
  image: pulumi.Output<string>;
  /** The container, or the release of the project. */
  release: pulumi.Output<string>;
}

/** What a machine with Docker runs under one name: its images, where they go, and what becomes of them there. */
export class Container extends pulumi.ComponentResource {
  /** Its name in the stack. */
  readonly name: string;
  /** What a stack tells of it. */
  readonly outputs: ContainerOutputs;
  readonly #args: ContainerArgs;

  constructor(name: string, args: ContainerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:index:Container", name, {}, opts);
    this.name = name;
    this.#args = args;
    const { config } = args;
    this.outputs = {
      on: typeof config.on === "string" ? config.on : config.on.address,
      ...("compose" in config ? this.#project(config) : this.#service(config)),
    };
    this.registerOutputs(this.outputs);
  }

  #service(config: ContainerService): Omit<ContainerOutputs, "on"> {
    const path = imagePlaces(this.name).service;
    const { facts } = this.#planOf(path);
    const image = this.#bring(`${this.name}-image`, path, config);
    const service = new DockerHostService(
      `${this.name}-service`,
      { ...this.#way(), spec: specOf(this.name, config, facts, (name) => this.#secret(name)), image },
      this.#there(),
    );
    return { image: service.imageId, release: service.container };
  }

  #project({ compose }: ComposeProjectConfig): Omit<ContainerOutputs, "on"> {
    const { file, files, env, wait, project = this.name } = compose;
    const places = imagePlaces(this.name);
    const images = Object.keys(compose.images).map((service) => {
      const image = this.#bring(`${this.name}-${service}-image`, places.compose(service));
      if ("reference" in image) return [service, { reference: image.reference }];
      const { layers: _, platform: __, ...bringable } = image;
      return [service, bringable];
    });
    const secrets = Object.entries(compose.secrets).map(([to, name]) => [to, this.#secret(name)]);
    const there = new ComposeProject(
      `${this.name}-project`,
      {
        ...this.#way(),
        project,
        file,
        files,
        env,
        wait,
        secrets: Object.fromEntries(secrets),
        images: Object.fromEntries(images),
      },
      this.#there(),
    );
    return { image: pulumi.output(""), release: there.release };
  }

  /** The image that is named at a place, made and, where that is wanted, pushed. */
  #bring(
    name: string,
    path: string,
    registry?: Pick<ContainerService, "push" | "login">,
  ): HereImage | PulledImage {
    const { image } = this.#planOf(path);
    const { push, login } = registry ?? {};
    if ("reference" in image) return { reference: image.reference, ...this.#login(login) };
    const { from, architecture, system } = image;
    const made = new NixImage(
      name,
      {
        ...from,
        architecture,
        ...(system && { builder: builderFor(this.#args.builds, system), loginKey: this.#args.loginKey }),
      },
      { parent: this },
    );
    if (push === undefined) return { ...made.bringable, layers: made.layers, platform: made.platform };
    const pushed = new RegistryPush(
      `${this.name}-push`,
      {
        image: made.bringable,
        repository: push.to,
        ...(push.user !== undefined &&
          push.password !== undefined && { user: push.user, password: this.#secret(push.password) }),
      },
      { parent: this },
    );
    return {
      reference: pushed.reference,
      id: made.imageId,
      platform: made.platform,
      ...this.#login(push),
    };
  }

  #login(
    login: { user?: string | undefined; password?: string | undefined } | undefined,
  ): Pick<PulledImage, "login"> {
    if (login?.user === undefined || login.password === undefined) return {};
    return { login: { user: login.user, password: this.#secret(login.password) } };
  }

  #planOf(path: string): ImagePlan {
    const found = this.#args.images[path];
    if (!found) throw new Error(`there is no plan for ${path}`);
    return found;
  }

  #secret(name: string): string {
    const { secrets } = this.#args;
    const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (value === undefined) throw new Error(`there is no secret "${name}"`);
    return value;
  }

  #way(): VerifiedHostWay {
    const { host, config, loginKey } = this.#args;
    if (host) return host.way;
    if (typeof config.on === "string") throw new Error(`there is no host ${config.on}`);
    return { host: machineName(config.on), ...wayTo(config.on), loginKey };
  }

  /** After the host's release, which may be what brings Docker; and gone with its server. */
  #there(): pulumi.CustomResourceOptions {
    const { host } = this.#args;
    const server = host?.hardware.server;
    return {
      parent: this,
      ...(host && { dependsOn: [host.deployment] }),
      ...(server && { deletedWith: server }),
    };
  }
}

/** A machine that is written out, as messages and connections call it: all containers of one share its connection. */
const machineName = ({ address, port }: DockerMachine): string =>
  `${address.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-")}${port === 22 ? "" : `-${port}`}`;

const wayTo = ({ address, port, user, hostKey, jump }: DockerMachine): Omit<VerifiedHostWay, "host"> => ({
  address,
  port,
  user,
  hostKey,
  ...(jump && { jump }),
});
