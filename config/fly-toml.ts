import { parse as parseToml, TomlError } from "smol-toml";
import type { z } from "zod";
import { type FlyAppConfig, type FlyAppInput, flyApps } from "./fly.ts";
import { isFor } from "./fly-rules.ts";
import {
  type FlyToml,
  flyToml,
  type TomlCheck,
  type TomlHttpService,
  type TomlService,
} from "./fly-toml-shape.ts";
import { defined, deployOf, sizesOf } from "./fly-toml-sizes.ts";
import type { Problem } from "./problems.ts";
import { shellWords } from "./shell-words.ts";

/** What a `fly.toml` does not say. */
export interface FlyTomlOptions {
  /** Path of the file, for messages. */
  file: string;
  /** The app's name; the file's own when absent. */
  name?: string;
  /**
   * Keys of the app that are said beside the file, and win: its image, which is `build.image` by digest otherwise, its machines by region,
   * as many in the primary region as a first deployment of Fly's makes otherwise, and any other.
   */
  beside?: Partial<FlyAppInput>;
}

export interface ImportedFlyToml {
  name: string;
  app: FlyAppConfig;
  /** What is otherwise than at Fly, each a sentence for people. */
  notes: string[];
}

/** Everything in a `fly.toml` that was not understood, or cannot be. */
export class FlyTomlError extends Error {
  override readonly name = "FlyTomlError";
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
    super(
      `${file}: ${problems.length === 1 ? "this is" : `these ${problems.length} things are`} not understood:\n${lines.join("\n")}\nNothing was created or changed. Take out what is not needed, or write the app under berth:fly.`,
    );
    this.problems = problems;
  }
}

/** An app from its `fly.toml`. Throws FlyTomlError with every key that has no place in it: nothing is dropped silently. */
export function importFlyToml(text: string, options: FlyTomlOptions): ImportedFlyToml {
  const { file } = options;
  const raw = parse(text, file);
  const parsed = flyToml.safeParse(raw);
  if (!parsed.success)
    throw new FlyTomlError(
      file,
      parsed.error.issues.flatMap((issue) => problemsOf(issue)),
    );
  const notes: string[] = [];
  const problems: Problem[] = [];
  const name = options.name ?? parsed.data.app ?? "";
  if (name === "") problems.push({ path: "app", message: "is missing; which app is it?" });
  if (parsed.data.app !== undefined && parsed.data.app !== name)
    notes.push(`The file is of the app ${parsed.data.app}; here it is for ${name}.`);
  const app = { ...appOf(parsed.data, options, notes, problems), ...options.beside };
  if (problems.length > 0) throw new FlyTomlError(file, problems);
  const checked = flyApps.safeParse({ [name]: app });
  if (!checked.success)
    throw new FlyTomlError(
      file,
      checked.error.issues.map((issue) => ({
        path: issue.path.slice(1).join(".") || "app",
        message: issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message,
      })),
    );
  return { name, app: checked.data[name] as FlyAppConfig, notes };
}

function parse(text: string, file: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its first line says what is wrong; the others show the place, which the numbers say.
    const [said = ""] = error.message.split("\n");
    const message = said.replace(/^Invalid TOML document: /, "");
    throw new FlyTomlError(file, [{ path: `line ${error.line}, column ${error.column}`, message }]);
  }
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const place = issue.path.map(String);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      path: [...place, key].join("."),
      message: "there is nothing like it in Berth",
    }));
  return [{ path: place.join(".") || "the file", message: issue.message }];
}

function appOf(toml: FlyToml, options: FlyTomlOptions, notes: string[], problems: Problem[]): FlyAppInput {
  const names = Object.keys(toml.processes ?? {}).toSorted();
  // Fly's rule: what names no process is for "app" where there is one, and for the first by name where not.
  const usual = names.length > 1 ? [names.includes("app") ? "app" : (names[0] ?? "app")] : [];
  const whose = (processes: readonly string[] | undefined): string[] =>
    processes !== undefined && processes.length > 0 ? [...processes] : usual;
  const services = [
    ...(toml.http_service ? [httpServiceOf(toml.http_service, whose)] : []),
    ...(toml.services ?? []).map((service) => serviceOf(service, whose)),
  ];
  const checks = placeChecks(toml, services, whose, notes, problems);
  const command = (line: string, path: string): string[] => {
    const words = shellWords(line);
    if (words === undefined || words.length === 0)
      problems.push({ path, message: "a command line that can be split into words" });
    return words ?? [];
  };
  if (toml.console_command !== undefined)
    notes.push("console_command is for `fly console` alone: it has no effect on a release.");
  return {
    ...(toml.primary_region !== undefined && { primaryRegion: toml.primary_region }),
    regions: regionsOf(toml, options, services.length > 0, notes, problems),
    image: imageOf(toml, options, notes, problems),
    ...sizesOf(toml, names, command, problems),
    services,
    checks,
    mounts: (toml.mounts ?? []).map(({ source, destination, initial_size, processes }) => ({
      volume: source,
      path: destination,
      ...(initial_size !== undefined && { size: initial_size }),
      processes: whose(processes),
    })),
    ...(toml.env && { env: toml.env }),
    ...deployOf(toml, command, problems),
    ...((toml.kill_signal !== undefined || toml.kill_timeout !== undefined) && {
      stop: defined({ signal: toml.kill_signal, timeout: toml.kill_timeout }),
    }),
    ...(toml.restart?.[0] && { restart: defined(toml.restart[0]) }),
    ...(toml.swap_size_mb !== undefined && { swap: toml.swap_size_mb }),
  } as FlyAppInput;
}

type ServiceInput = NonNullable<FlyAppInput["services"]>[number];
type CheckInput = NonNullable<ServiceInput["checks"]>[number];
type Whose = (processes: readonly string[] | undefined) => string[];

const commonOf = (service: TomlService | TomlHttpService, whose: Whose): ServiceInput =>
  ({
    ...defined({
      internalPort: service.internal_port,
      autostop: service.auto_stop_machines,
      autostart: service.auto_start_machines,
      minMachinesRunning: service.min_machines_running,
    }),
    ...(service.concurrency && {
      concurrency: defined({
        type: service.concurrency.type,
        soft: service.concurrency.soft_limit,
        hard: service.concurrency.hard_limit,
      }),
    }),
    processes: whose(service.processes),
  }) as ServiceInput;

const httpServiceOf = (service: TomlHttpService, whose: Whose): ServiceInput => ({
  ...commonOf(service, whose),
  forceHttps: service.force_https ?? false,
  checks: (service.checks ?? []).map((check) => checkOf({ ...check, type: "http" })),
});

const serviceOf = (service: TomlService, whose: Whose): ServiceInput =>
  ({
    ...commonOf(service, whose),
    ...defined({ protocol: service.protocol }),
    ports: (service.ports ?? []).map(({ port, handlers, force_https }) =>
      defined({ port, handlers, forceHttps: force_https }),
    ),
    checks: [
      ...(service.tcp_checks ?? []).map((check) => checkOf({ ...check, type: "tcp" })),
      ...(service.http_checks ?? []).map((check) => checkOf({ ...check, type: "http" })),
    ],
  }) as ServiceInput;

const checkOf = ({ type, ...check }: Omit<TomlCheck, "processes">): CheckInput =>
  defined({
    type,
    port: check.port,
    interval: check.interval,
    timeout: check.timeout,
    gracePeriod: check.grace_period,
    path: check.path ?? (type === "http" ? "/" : undefined),
    method: check.method,
    protocol: check.protocol,
    tlsServerName: check.tls_server_name,
    tlsSkipVerify: check.tls_skip_verify,
    headers: check.headers,
  }) as CheckInput;

/** Put `[checks.*]` where they gate: at the service of their process, by its port if it can be; what is left has no service. */
function placeChecks(
  toml: FlyToml,
  services: ServiceInput[],
  whose: Whose,
  notes: string[],
  problems: Problem[],
): FlyAppInput["checks"] {
  const left: NonNullable<FlyAppInput["checks"]> = {};
  for (const [name, { processes, ...given }] of Object.entries(toml.checks ?? {})) {
    const port = given.port ?? toml.http_service?.internal_port;
    if (port === undefined) {
      problems.push({
        path: `checks.${name}.port`,
        message: "is missing, and there is no http_service to take it from",
      });
      continue;
    }
    const { port: _, ...check } = checkOf(given);
    const wanted = whose(processes);
    const served = (process: string | undefined): ServiceInput | undefined => {
      const mine = services.filter(
        ({ processes: theirs = [] }) => process === undefined || isFor({ processes: theirs }, process),
      );
      return mine.find(({ internalPort }) => internalPort === port) ?? mine[0];
    };
    const homes = (wanted.length > 0 ? wanted : [undefined]).map((process) => ({
      process,
      service: served(process),
    }));
    for (const service of new Set(homes.flatMap(({ service }) => service ?? []))) {
      service.checks = [
        ...(service.checks ?? []),
        service.internalPort === port ? check : { ...check, port },
      ];
      notes.push(
        `checks.${name}: at Fly it informs alone; here it gates: a machine gets traffic of port ${service.internalPort}, and a release is kept, only while it passes.`,
      );
    }
    const homeless = homes
      .filter(({ service }) => service === undefined)
      .flatMap(({ process }) => process ?? []);
    if (homes.some(({ service }) => service === undefined)) {
      left[name] = { ...check, port, processes: homeless };
      notes.push(
        `checks.${name}: there is no service that it could keep traffic from; here a release is kept only if it passes.`,
      );
    }
  }
  return left;
}

function regionsOf(
  toml: FlyToml,
  { beside: { regions } = {} }: FlyTomlOptions,
  serves: boolean,
  notes: string[],
  problems: Problem[],
): Record<string, number> {
  if (regions) return regions;
  const { primary_region } = toml;
  if (primary_region === undefined) {
    problems.push({ path: "primary_region", message: "is missing, and no regions are named" });
    return {};
  }
  const count = serves ? 2 : 1;
  notes.push(
    `The file does not say how many machines there are: ${count} in ${primary_region}, as a first deployment of Fly's makes; berth:fly's regions say otherwise.`,
  );
  return { [primary_region]: count };
}

function imageOf(
  { build }: FlyToml,
  { beside: { image } = {} }: FlyTomlOptions,
  notes: string[],
  problems: Problem[],
): FlyAppInput["image"] {
  if (image) {
    const unused = Object.keys(build ?? {}).toSorted();
    if (unused.length > 0)
      notes.push(
        `build.${unused.join(", build.")}: not used, as the image is ${image.package ?? image.archive ?? image.reference}.`,
      );
    return image;
  }
  for (const key of Object.keys(build ?? {}).filter((key) => key !== "image"))
    problems.push({
      path: `build.${key}`,
      message: "Berth takes images from the flake, or by digest; name the package",
    });
  if (build?.image === undefined) {
    problems.push({ path: "build.image", message: "is missing, and no package is named" });
    return {};
  }
  if (!build.image.includes("@sha256:"))
    problems.push({
      path: "build.image",
      message: `${build.image} is by tag only, which may name another image tomorrow; name it by digest (name@sha256:…)`,
    });
  return { reference: build.image };
}
