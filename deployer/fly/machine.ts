import type { FlyAppConfig, FlyCheck, FlyGuest, FlyService } from "../../config/fly.ts";
import { isFor, portsOf, processNames } from "../../config/fly-rules.ts";
import type { Json, MachineConfig } from "./shapes.ts";

/** What an app shall run. */
export interface WantedRelease {
  app: FlyAppConfig;
  /** The image by its digest, e.g. "registry.fly.io/shop@sha256:…". */
  image: string;
  /** Names what the app's secrets are; another one has every machine updated. "" for an app without any. */
  secretsRevision: string;
}

/** A machine there shall be. Those of one process and region are alike. */
export interface WantedMachine {
  process: string;
  region: string;
  /** As the API takes it, but for the id of its volume. */
  config: MachineConfig;
  /** The volume it needs. */
  volume?: { name: string; path: string; size: number };
}

/** Fly's own names of metadata, by which its tools know machines. */
export const metadata = {
  process: "fly_process_group",
  platform: "fly_platform_version",
  /** Names one launch, so that one that may have been committed is found again. */
  launch: "berth_launch_id",
  /** Of a machine that is not kept yet: the release that it is on trial for. */
  trial: "berth_trial",
  secrets: "berth_secrets",
} as const;

/** Process groups of machines that serve nobody. */
export const releaseCommandProcess = "fly_app_release_command";
const consoleProcess = "fly_app_console";
const testProcess = "fly_app_test_machine_command";
export const servesNobody = (process: string): boolean =>
  [releaseCommandProcess, consoleProcess, testProcess].includes(process);

/** The machines an app wants, sorted by process and region. */
export function wantedMachines(release: WantedRelease): WantedMachine[] {
  const { app } = release;
  return processNames(app).flatMap((process) => {
    const regions = app.processes[process]?.regions ?? app.regions;
    const config = configOf(release, process);
    const mount = app.mounts.find((one) => isFor(one, process));
    return Object.entries(regions)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([region, count]) =>
        Array.from({ length: count }, () => ({
          process,
          region,
          config,
          ...(mount && { volume: { name: mount.volume, path: mount.path, size: mount.size } }),
        })),
      );
  });
}

/** The region an app is told to be at home in. */
export const primaryRegion = (app: FlyAppConfig): string =>
  app.primaryRegion ?? Object.keys(app.regions).toSorted()[0] ?? "";

/** Everything is said, defaults of Fly's too: what is not said there cannot be told from what was changed there. */
function configOf({ app, image, secretsRevision }: WantedRelease, process: string): MachineConfig {
  const command = app.processes[process]?.command;
  const { policy, retries } = app.restart ?? { policy: "on-failure", retries: 10 };
  const { signal, timeout } = app.stop ?? { signal: "SIGINT", timeout: 5 };
  const mount = app.mounts.find((one) => isFor(one, process));
  return {
    image,
    guest: guestOf(app.processes[process]?.guest ?? app.guest),
    env: { ...app.env, FLY_PROCESS_GROUP: process, PRIMARY_REGION: primaryRegion(app) },
    init: { ...(command && { cmd: command }), ...(app.swap !== undefined && { swap_size_mb: app.swap }) },
    services: app.services.filter((service) => isFor(service, process)).map(serviceOf),
    checks: Object.fromEntries(
      Object.entries(app.checks)
        .filter(([, check]) => isFor(check, process))
        .map(([name, check]) => [name, { ...checkOf(check), kind: "readiness" }]),
    ),
    ...(mount && { mounts: [{ name: mount.volume, path: mount.path }] }),
    restart: { policy, ...(policy === "on-failure" && { max_retries: retries }) },
    stop_config: { signal, timeout: `${timeout}s` },
    metadata: {
      [metadata.platform]: "v2",
      [metadata.process]: process,
      ...(secretsRevision && { [metadata.secrets]: secretsRevision }),
    },
  };
}

/** A machine that runs the release command and ends. It serves nobody and is in no name service. */
export function releaseCommandConfig(release: WantedRelease): MachineConfig | undefined {
  const { app, image } = release;
  if (!app.releaseCommand) return undefined;
  const { command, guest } = app.releaseCommand;
  return {
    image,
    guest: guestOf(guest ?? app.guest),
    env: {
      ...app.env,
      RELEASE_COMMAND: "1",
      FLY_PROCESS_GROUP: releaseCommandProcess,
      PRIMARY_REGION: primaryRegion(app),
    },
    init: { cmd: command },
    restart: { policy: "no" },
    dns: { skip_registration: true },
    metadata: { [metadata.platform]: "v2", [metadata.process]: releaseCommandProcess },
  };
}

const guestOf = ({ cpuKind, cpus, memory }: FlyGuest): MachineConfig => ({
  cpu_kind: cpuKind,
  cpus,
  memory_mb: memory,
});

function serviceOf(service: FlyService): MachineConfig {
  const { concurrency } = service;
  return {
    protocol: service.protocol,
    internal_port: service.internalPort,
    autostop: service.autostop,
    autostart: service.autostart,
    min_machines_running: service.minMachinesRunning,
    ports: portsOf(service).map(({ port, handlers, forceHttps }) => ({
      port,
      handlers,
      ...(forceHttps && { force_https: true }),
    })),
    ...(concurrency && {
      concurrency: {
        type: concurrency.type,
        ...(concurrency.soft !== undefined && { soft_limit: concurrency.soft }),
        ...(concurrency.hard !== undefined && { hard_limit: concurrency.hard }),
      },
    }),
    checks: service.checks.map((check) => checkOf({ ...check, port: check.port ?? service.internalPort })),
  };
}

function checkOf(check: FlyCheck): MachineConfig {
  const said: Record<string, Json | undefined> = {
    type: check.type,
    port: check.port,
    interval: `${check.interval}s`,
    timeout: `${check.timeout}s`,
    grace_period: `${check.gracePeriod}s`,
    ...(check.type === "http" && {
      method: check.method ?? "GET",
      path: check.path,
      protocol: check.protocol ?? "http",
      tls_server_name: check.tlsServerName,
      tls_skip_verify: check.tlsSkipVerify,
      headers: Object.entries(check.headers).map(([name, value]) => ({ name, values: [value] })),
    }),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** How many checks a machine has to pass. */
export function checksOf(config: MachineConfig): number {
  const services = Array.isArray(config["services"]) ? config["services"] : [];
  const own = services.flatMap((service) =>
    typeof service === "object" &&
    service !== null &&
    !Array.isArray(service) &&
    Array.isArray(service["checks"])
      ? service["checks"]
      : [],
  );
  const { checks } = config;
  return own.length + (typeof checks === "object" && checks !== null ? Object.keys(checks).length : 0);
}
