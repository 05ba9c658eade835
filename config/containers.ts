import { z } from "zod";
import { composeProject } from "./compose.ts";
import { containerService, type dockerMachine } from "./container.ts";
import { name } from "./host.ts";

/** What a machine with Docker runs: one service, or a project of docker compose. */
const container = z.union([containerService, composeProject], "on and image, or on and compose");

export const containers = z
  .record(name("a container"), container)
  .meta({ example: "{ site: { on: web1, image: { package: site-image } } }" });

export type ContainerConfig = z.infer<typeof container>;
export type DockerMachine = z.infer<typeof dockerMachine>;
