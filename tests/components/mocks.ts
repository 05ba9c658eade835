import resourceProto, {
  type RegisterResourceOutputsRequest,
  type RegisterResourceRequest,
  type RegisterResourceResponse,
} from "@pulumi/pulumi/proto/resource_pb.js";
import { type MockMonitor, type MockResourceArgs, setMocks } from "@pulumi/pulumi/runtime/mocks.js";
import { disconnect, getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import { expect } from "vitest";

/** A resource as the program asked the engine for it. */
export interface Asked {
  urn: string;
  type: string;
  name: string;
  /** URN of the parent, "" at the root. */
  parent: string;
  custom: boolean;
  /** As they travel: a secret is an object with a signature, what is not known yet is `unknown`. */
  inputs: Record<string, unknown>;
  protect: boolean | undefined;
  ignoreChanges: string[];
  deleteBeforeReplace: boolean;
  retainOnDelete: boolean | undefined;
  /** URN. */
  deletedWith: string;
  /** customTimeouts.create */
  createTimeout: string | undefined;
  secretOutputs: string[];
  replaceOnChanges: string[];
  /** Names that the resource had, each after its parent's URN. */
  aliases: string[];
  /** URNs. */
  dependencies: string[];
}

/** What a program did: the resources in the order they were asked for, and what components registered as outputs, by URN. */
export interface Seen {
  resources: Asked[];
  outputs: Map<string, Record<string, unknown>>;
}

/** A value the engine does not know yet. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signature = "4dabf18193072939515e22adb298388d";
/** A secret as it travels. */
export const secret = (value: unknown) => ({ [signature]: "1b47061264138c4ac30d75fd1eb44270", value });

/** The private key that the SshKey of a name is given. */
export const privateKeyOf = (name: string): string =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\nkey of ${name}\n-----END OPENSSH PRIVATE KEY-----\n`;
/** The public key that the SshKey of a name is given. */
export const publicKeyOf = (name: string, comment: string): string =>
  `ssh-ed25519 AAAA${Buffer.from(name).toString("base64")} ${comment}`;

/** The private half that the AgeKey of a name is given. */
export const ageKeyOf = (name: string): string => `AGE-SECRET-KEY-1${name.toUpperCase()}`;

/** How resources of Berth's own would reach Hetzner. */
export const api = { token: "t0k3n", endpoint: "http://127.0.0.1:1/v1" };

/** Ids as Hetzner gives them: numbers, in order. */
const firstId = 4711;

/** What providers would compute; nothing of it is known in a preview but what Berth's own provider tells. */
function computed({ type, name, inputs }: MockResourceArgs, preview: boolean): Record<string, unknown> {
  if (type === "berth:deploy:Deployment")
    return { release: inputs.toplevel, ...(preview ? {} : { previous: inputs.toplevel }) };
  if (preview) return {};
  switch (type) {
    case "berth:host:Secrets":
      return { revision: "r1" };
    case "berth:image:NixImage":
      return { imageId: "sha256:image", path: inputs.archive ?? inputs.package.out };
    case "berth:image:RegistryPush":
      return { reference: `${inputs.repository}@sha256:pushed` };
    case "berth:fly:App":
      return { hostname: `${inputs.app}.fly.dev` };
    case "berth:fly:Secrets":
      return { revision: "s1" };
    case "berth:fly:Deployment":
      return { release: inputs.image, machines: ["2fb11972c4d41b"] };
    case "berth:identity:SshKey":
      return {
        publicKey: publicKeyOf(name, inputs.comment),
        privateKey: privateKeyOf(name),
        fingerprint: `SHA256:${name}`,
      };
    case "berth:identity:AgeKey":
      return { recipient: `age1${name}`, identity: ageKeyOf(name) };
    case "hcloud:index/server:Server":
      return { ipv4Address: "203.0.113.7", ipv6Address: "2001:db8::1", status: "running" };
    case "hcloud:index/primaryIp:PrimaryIp":
      return inputs.type === "ipv6"
        ? { ipAddress: "2001:db8::", ipNetwork: "2001:db8::/64" }
        : { ipAddress: "203.0.113.7" };
    case "hcloud:index/serverNetwork:ServerNetwork":
      return { ip: inputs.ip ?? "10.0.0.9" };
    case "hcloud:index/volume:Volume":
      return { linuxDevice: `/dev/disk/by-id/scsi-0HC_Volume_${name}` };
    case "hcloud:index/loadBalancer:LoadBalancer":
      return { ipv4: "203.0.113.99", ipv6: "2001:db8:99::1" };
    case "hcloud:index/zone:Zone":
      return { authoritativeNameservers: { assigneds: ["helium.ns.example."] } };
    case "command:local:Command":
      return { stdout: "done", stderr: "" };
    default:
      return {};
  }
}

export interface MockOptions {
  /** Run as a preview: ids and computed values are not known. */
  preview?: boolean;
  /** @default "dev" */
  stack?: string;
  /** Resources of this type fail, as under --continue-on-error: the program goes on without them. */
  failing?: string;
  /** Called with every resource as it is registered. */
  onAsked?: (one: Asked) => void;
}

/**
 * Run a program against Pulumi's mock monitor and wait until everything it asked for is registered.
 * The monitor is wrapped, as mocks themselves are never shown a resource's options.
 */
export async function underMocks<T>(
  program: () => T | Promise<T>,
  { preview = false, stack = "dev", failing, onAsked }: MockOptions = {},
): Promise<{ value: T; seen: Seen }> {
  let next = firstId;
  await setMocks(
    {
      newResource: (args) => {
        const id = String(next++);
        const state = { ...args.inputs, ...computed(args, preview) };
        return { id: args.custom && !preview ? id : undefined, state };
      },
      call: ({ inputs }) => inputs,
    },
    "berth",
    stack,
    preview,
  );
  const seen = watch(getMonitor() as unknown as MockMonitor, { failing, onAsked });
  const value = await overlookingFailures(async () => {
    const made = await program();
    await disconnect();
    return made;
  });
  return { value, seen };
}

/** Every output of a resource that failed rejects, those that nobody reads too: not a fault of the program under test. */
async function overlookingFailures<T>(work: () => Promise<T>): Promise<T> {
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason, promise) => {
    if (reason instanceof Error && reason.message.endsWith("failed to register")) return;
    for (const listener of others) listener(reason, promise);
  });
  try {
    return await work();
  } finally {
    // Rejections are told a turn later.
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.removeAllListeners("unhandledRejection");
    for (const listener of others) process.on("unhandledRejection", listener);
  }
}

type Done = (error: Error | null, response: RegisterResourceResponse) => void;

function watch(monitor: MockMonitor, { failing, onAsked }: Pick<MockOptions, "failing" | "onAsked">): Seen {
  const seen: Seen = { resources: [], outputs: new Map() };
  const register = monitor.registerResource.bind(monitor);
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  Object.assign(monitor, {
    // Pulumi's mocks lack it, and a program that waits for it would wait for ever. They have no stack for a transformation, either.
    registerErrorHook: (_: unknown, done: (error: Error) => void) => done(new Error("no hooks under mocks")),
    registerResource: (request: RegisterResourceRequest, done: Done) =>
      register(request, (error: Error | null, response: RegisterResourceResponse) => {
        if (!error) {
          const one = { urn: response.getUrn(), ...asked(request) };
          seen.resources.push(one);
          onAsked?.(one);
          if (one.type === failing) response.setResult(resourceProto.Result.FAIL);
        }
        done(error, response);
      }),
    registerResourceOutputs: (request: RegisterResourceOutputsRequest, done: Done) => {
      seen.outputs.set(request.getUrn(), request.getOutputs()?.toJavaScript() ?? {});
      return registerOutputs(request, done);
    },
  });
  return seen;
}

const asked = (request: RegisterResourceRequest): Omit<Asked, "urn"> => ({
  type: request.getType(),
  name: request.getName(),
  parent: request.getParent(),
  custom: request.getCustom(),
  inputs: request.getObject()?.toJavaScript() ?? {},
  protect: request.getProtect(),
  ignoreChanges: request.getIgnorechangesList(),
  deleteBeforeReplace: request.getDeletebeforereplace(),
  retainOnDelete: request.getRetainondelete(),
  deletedWith: request.getDeletedwith(),
  createTimeout: request.getCustomtimeouts()?.getCreate(),
  secretOutputs: request.getAdditionalsecretoutputsList(),
  replaceOnChanges: request.getReplaceonchangesList(),
  aliases: request.getAliasesList().map((alias) => {
    const spec = alias.getSpec();
    return spec ? `${spec.getParenturn()} ${spec.getName()}` : alias.getUrn();
  }),
  dependencies: request.getDependenciesList(),
});

/** The one resource of a type, or of a type and name. */
export function only({ resources }: Seen, type: string, name?: string): Asked {
  const found = resources.filter((one) => one.type === type && (name === undefined || one.name === name));
  expect(found.map((one) => one.name)).toHaveLength(1);
  return found[0] as Asked;
}

/** Names of what a resource waits for, sorted. */
export const dependenciesOf = ({ dependencies }: Asked): string[] =>
  dependencies.map((urn) => urn.split("::").at(-1) ?? "").toSorted();

/** Where a text stands in what was asked for, outside of secrets: paths such as "web1-install: stdin". */
export function placesOf(text: string, { resources, outputs }: Seen): string[] {
  const places: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value === "string" && value.includes(text)) places.push(path);
    if (typeof value !== "object" || value === null || signature in value) return;
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  for (const { name, type, inputs } of resources) walk(inputs, `${type} ${name}`);
  for (const [urn, registered] of outputs) walk(registered, `outputs of ${urn}`);
  return places;
}

/** Every child is named after its parent and knows it; the roots have none. */
export function expectFamily({ resources }: Seen, ...roots: string[]): void {
  const byUrn = new Map(resources.map((one) => [one.urn, one]));
  for (const { name, parent } of resources) {
    const above = roots.includes(name) ? { name: "" } : byUrn.get(parent);
    expect(above, `${name} has no parent`).toBeDefined();
    if (above?.name === "") expect(parent).toBe("");
    else expect(name.slice(0, (above?.name.length ?? 0) + 1)).toBe(`${above?.name}-`);
  }
}

/** The value of an output, once it is known. */
export const settled = <T>(output: { apply(work: (value: T) => void): unknown }): Promise<T> =>
  new Promise((resolve) => output.apply(resolve));
