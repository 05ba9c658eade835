import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";

const source = z.union([z.string(), z.looseObject({ source: z.string().optional() })]);

/** What of a project `docker compose config --format json` tells that matters here. */
export const composeConfig = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string().optional(),
      build: z.unknown().optional(),
      volumes: z
        .array(z.looseObject({ type: z.string().optional(), source: z.string().optional() }))
        .nullish(),
      configs: z.array(source).nullish(),
      secrets: z.array(source).nullish(),
    }),
  ),
  configs: z.record(z.string(), z.looseObject({ file: z.string().optional() })).nullish(),
  secrets: z.record(z.string(), z.looseObject({ file: z.string().optional() })).nullish(),
});
export type ComposeConfiguration = z.infer<typeof composeConfig>;

/** What goes to the host beside the compose file. */
interface Sent {
  /** Digests by path below the compose file's folder. */
  digests: Readonly<Record<string, string>>;
  /** Services whose image is brought or named here. */
  images: readonly string[];
}

/** Where the paths of a project lie on the host. */
interface Place {
  /** The compose file here. */
  file: string;
  /** The project's folder on the host. */
  folder: string;
}

/** What a service reads of the project's folder, by paths below it. */
export function readBy(config: ComposeConfiguration, service: string, folder: string): string[] {
  const settings = config.services[service];
  const named = (kind: "configs" | "secrets"): string[] =>
    (settings?.[kind] ?? []).flatMap((one) => {
      const name = typeof one === "string" ? one : one.source;
      const file = name === undefined ? undefined : config[kind]?.[name]?.file;
      return file ?? [];
    });
  const mounts = (settings?.volumes ?? []).flatMap(({ type, source: from }) =>
    type === "bind" && from !== undefined ? from : [],
  );
  const below = [...mounts, ...named("configs"), ...named("secrets")].flatMap((path) => {
    const inside = relative(folder, path);
    return inside === "" || inside.startsWith("..") ? [] : inside;
  });
  return [...new Set(below)].sort();
}

/** What of a compose file cannot be had on the host: a sentence each. Pure but for a look at the compose file's folder. */
export function unusable(
  config: ComposeConfiguration,
  { digests, images }: Sent,
  { file, folder }: Place,
): string[] {
  const services = Object.keys(config.services);
  return [
    ...images
      .filter((name) => !services.includes(name))
      .map((name) => `images names the service ${name}, and ${file} has ${services.join(", ")}`),
    ...services
      .filter((name) => config.services[name]?.build != null && !images.includes(name))
      .map((name) => `${name} is to be built on the host: name its image under compose.images instead`),
    ...services.flatMap((name) =>
      readBy(config, name, folder)
        .filter((path) => !isSent(path, digests) && existsSync(join(dirname(file), path)))
        .map(
          (path) =>
            `${name} reads ${path}, which lies beside ${file} and does not go to the host: name it under compose.files; what is data has its place in a volume`,
        ),
    ),
  ];
}

const isSent = (path: string, digests: Sent["digests"]): boolean =>
  Object.keys(digests).some((sent) => path === sent || path.startsWith(`${sent}/`));

/** Digest of all that a service reads of what was sent; undefined where it reads nothing of it. */
function contentOf(paths: readonly string[], digests: Sent["digests"]): string | undefined {
  const parts = Object.entries(digests)
    .filter(([sent]) =>
      paths.some((path) => path === sent || path.startsWith(`${sent}/`) || sent.startsWith(`${path}/`)),
    )
    .map(([sent, digest]) => `${sent} ${digest}`);
  if (parts.length === 0) return undefined;
  return createHash("sha256").update(parts.sort().join("\n")).digest("hex").slice(0, 16);
}

/**
 * What is said beside people's own file: each service's image, and a label that changes with the files it reads. Compose recreates a service
 * for another label, and not for another content of a file.
 */
export function override(
  config: ComposeConfiguration,
  images: Readonly<Record<string, string>>,
  digests: Sent["digests"],
  folder: string,
): string {
  const services = Object.keys(config.services).flatMap((name): [string, object][] => {
    const image = images[name];
    const content = contentOf(readBy(config, name, folder), digests);
    if (image === undefined && content === undefined) return [];
    return [
      [
        name,
        {
          // One that was brought is had from nowhere else.
          ...(image !== undefined && { image, ...(!image.includes("@") && { pull_policy: "never" }) }),
          ...(content !== undefined && { labels: { "berth.files": content } }),
        },
      ],
    ];
  });
  return stringify({ services: Object.fromEntries(services) });
}
