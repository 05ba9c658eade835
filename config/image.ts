import { z } from "zod";

/** Nix systems that images are built for, with Docker's word for each. */
export const architectures = { "x86_64-linux": "amd64", "aarch64-linux": "arm64" } as const;
export type ImageSystem = keyof typeof architectures;

/** An image by its digest, which names one image for ever. */
export const pinnedReference = z
  .string()
  .regex(
    /^[^@\s]+@sha256:[0-9a-f]{64}$/,
    "an image by its digest (name@sha256:…): a tag alone may name another one tomorrow",
  )
  .meta({ example: "docker.io/library/nginx@sha256:…" });

/** Where an image is from: one of three. */
export const imageSource = z
  .strictObject({
    /** A package of the flake, by its name below `packages.<system>`: what it builds writes a docker-archive, or is one. */
    package: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_'+.-]*$/, "a package's name")
      .optional()
      .meta({ example: "site-image" }),
    /** The Nix system that the package is taken of; the host's own where that is known, else x86_64-linux. */
    system: z
      .enum(["x86_64-linux", "aarch64-linux"], "x86_64-linux or aarch64-linux")
      .optional()
      .meta({ example: "aarch64-linux" }),
    /** A docker-archive, gzipped or not, as `docker save` writes it. Relative to the project. */
    archive: z.string().min(1, "a path").optional().meta({ example: "./image.tar.gz" }),
    /** An image that a registry has already, by its digest. */
    reference: pinnedReference.optional(),
  })
  .refine(
    ({ package: named, archive, reference }) =>
      [named, archive, reference].filter((one) => one !== undefined).length === 1,
    "exactly one of package, archive and reference",
  )
  .refine(
    ({ package: named, system }) => system === undefined || named !== undefined,
    "a system is a package's",
  );
export type ImageSource = z.infer<typeof imageSource>;

const storePath = z.string().regex(/^\/nix\/store\/[0-9a-z]{32}-[^/]+$/, "a path in /nix/store");

/** What an image tells about itself (`passthru.berth` of the flake's package); a deployer's defaults. */
export const imageFacts = z.object({
  /** The port it listens on. */
  port: z.int().min(1).max(65535).optional(),
  /** Who it runs as. */
  user: z.string().optional(),
  /** What answers when it is well: a path, and what the answer must contain. */
  health: z.object({ path: z.string().startsWith("/"), body: z.string().optional() }).optional(),
  /** What makes it finish and end, and the seconds that may take. */
  stop: z.object({ signal: z.string(), seconds: z.int().nonnegative() }).optional(),
  /** Folders that it writes to. */
  writable: z.array(z.string()).optional(),
  /** As Docker calls it, e.g. "amd64". */
  architecture: z.string().optional(),
});
export type ImageFacts = z.infer<typeof imageFacts>;

/** A package that is an image, as the flake's evaluation tells it. Nothing is built for that. */
export const evaluatedImage = z.object({
  drvPath: storePath,
  out: storePath,
  /** What it says of itself; empty where it says nothing. */
  facts: imageFacts,
  /** The date that it is built with, as nixpkgs' image builders tell it; null where nobody does. */
  created: z.string().nullable(),
});
export type EvaluatedImage = z.infer<typeof evaluatedImage>;

/** A package of a flake: `packages.<system>.<name>`. */
export interface PackageName {
  system: ImageSystem;
  name: string;
}

export const packagePath = ({ system, name }: PackageName): string => `packages.${system}.${name}`;
