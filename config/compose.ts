import { z } from "zod";
import { containerHost } from "./container.ts";
import { imageSource } from "./image.ts";
import { secretName } from "./secrets.ts";

/** As a compose file takes it in: ${NAME}. */
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable is named by letters, digits and _, no digit first")
  // They are in the environment of docker compose itself.
  .refine(
    (name) => !/^(PATH|HOME|IFS|LD_.*|DOCKER_.*|COMPOSE_(?!PROFILES$).*)$/.test(name),
    "a variable that docker compose itself goes by cannot be set; COMPOSE_PROFILES can",
  );
const value = z
  .union([z.string(), z.number(), z.boolean()], "a text, a number, or true or false")
  .transform(String)
  .refine((text) => !/[\r\n\0]/.test(text), "one line");

/** What docker compose calls a project, and a service. */
const projectName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "1 to 63 small letters, digits and inner - _");
const serviceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a service's name in the compose file");

const beside = "a path below the compose file's folder, without spaces";
const waitSeconds = "a whole number of seconds from 1 to 3600";

/** A project of docker compose, by people's own file. */
const compose = z.strictObject({
  /** The compose file, relative to the project. It goes to the host as it is. */
  file: z.string().min(1, "a path").meta({ example: "./compose.yaml" }),
  /** Files and folders that it names (bind mounts, env_file, configs), relative to its folder. They go with it. */
  files: z
    .array(z.string().regex(/^(?![/-])(?!\.\.?\/?$)(?!.*(?:^|\/)\.\.(?:\/|$))[A-Za-z0-9._+@%=,/-]+$/, beside))
    .default([])
    .meta({ example: "[nginx.conf, html]" }),
  /** What docker compose calls the project; its name in the stack when absent. One of that name that runs already is taken over. */
  project: projectName.optional().meta({ example: "blog" }),
  /** Variables that the file takes in as ${NAME}. Nothing secret. */
  env: z.record(variable, value).default({}).meta({ example: "{ TAG: stable }" }),
  /** Variables of the same kind that are secret: names under berth:secrets. */
  secrets: z.record(variable, secretName).default({}).meta({ example: "{ DB_PASSWORD: db-password }" }),
  /** Images of services, in place of those that the file names. */
  images: z
    .record(serviceName, imageSource)
    .default({})
    .meta({ example: "{ site: { package: site-image } }" }),
  /** Seconds that all services together have until they run, and are healthy where they have a health check. */
  wait: z.int(waitSeconds).min(1, waitSeconds).max(3600, waitSeconds).default(120).meta({ example: "300" }),
});

/** What docker compose runs on a machine with Docker: `berth:containers.<name>`. */
export const composeProject = z.strictObject({
  on: containerHost.meta({ example: "web1" }),
  /** In place of an image: people's own compose file. */
  compose: compose.meta({ example: "{ file: ./compose.yaml }" }),
});

export type ComposeProjectConfig = z.infer<typeof composeProject>;
