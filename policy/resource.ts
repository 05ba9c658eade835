/** A resource as the engine tells of it, as far as the rules look. */
export interface Resource {
  /** Pulumi's type, e.g. "hcloud:index/server:Server". */
  type: string;
  /** Pulumi's name, e.g. "web1-hardware-server". */
  name: string;
  urn: string;
  /** Inputs before an update, outputs after it; one that is not known yet throws when it is read. */
  props: Readonly<Record<string, unknown>>;
  opts: { protect: boolean };
}

/** A resource of a whole stack, with its parent and with what it is made after. */
export interface StackResource extends Resource {
  parent?: StackResource;
  dependencies: readonly StackResource[];
}

/** What is wrong with a stack or, where a URN is told, with that resource. */
export interface Violation {
  message: string;
  urn?: string;
}

export const types = {
  deployment: "berth:deploy:Deployment",
  firewall: "hcloud:index/firewall:Firewall",
  host: "berth:index:NixosHost",
  loadBalancer: "hcloud:index/loadBalancer:LoadBalancer",
  primaryIp: "hcloud:index/primaryIp:PrimaryIp",
  server: "hcloud:index/server:Server",
  stack: "pulumi:pulumi:Stack",
  volume: "hcloud:index/volume:Volume",
  zone: "hcloud:index/zone:Zone",
} as const;

/** The value of a property; undefined where it is absent and where nobody knows it before the update. */
export function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // The class is not exported by @pulumi/policy.
    if (error instanceof Error && "unknownTypeSentinel" in error) return undefined;
    throw error;
  }
}

/** A text property; empty where it is none or not known. */
export function text(resource: Pick<Resource, "props">, key: string): string {
  const value = known(() => resource.props[key]);
  return typeof value === "string" ? value : "";
}

/** The name at Hetzner, e.g. "prod-web1"; Pulumi's where that is not known. */
export const nameOf = (resource: Resource): string => text(resource, "name") || resource.name;

/** The stack of a URN: "urn:pulumi:STACK::PROJECT::TYPE::NAME". */
export const stackOf = (urn: string): string => urn.split("::")[0]?.split(":").at(-1) ?? "";

/** Whether a name fits one of the patterns, in which * stands for any characters. */
export const fits = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => {
    const parts = pattern.split("*").map((part) => part.replace(/[^\w]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
  });
