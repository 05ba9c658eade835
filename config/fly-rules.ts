import type { FlyAddressType, FlyAppConfig, FlyGuest, FlyService } from "./fly.ts";
import type { Problem } from "./problems.ts";

/** Something that cannot go well, and its place in the app. */
export interface FlyProblem {
  path: readonly (string | number)[];
  message: string;
}

/** What Fly's machines are. */
export const flySystem = "x86_64-linux";

/** The process that an app has when it names none. */
const theOnlyProcess = "app";

/** Names of an app's processes, sorted. */
export const processNames = ({ processes }: Pick<FlyAppConfig, "processes">): string[] => {
  const names = Object.keys(processes).toSorted();
  return names.length > 0 ? names : [theOnlyProcess];
};

/** Whether something that names processes is for this one; what names none is for the only one there is. */
export const isFor = (thing: { processes: readonly string[] }, process: string): boolean =>
  thing.processes.length === 0 || thing.processes.includes(process);

/** Ports a service is reached at: those it names, or http and https. */
export const portsOf = ({
  ports,
  forceHttps,
}: Pick<FlyService, "ports" | "forceHttps">): FlyService["ports"] =>
  ports.length > 0
    ? ports
    : [
        { port: 80, handlers: ["http"], forceHttps },
        { port: 443, handlers: ["http", "tls"], forceHttps: false },
      ];

/** Addresses an app has: those it names, or what a web app needs. */
export const addressesOf = ({
  addresses,
  services,
}: Pick<FlyAppConfig, "addresses" | "services">): FlyAddressType[] =>
  addresses ?? (services.length > 0 ? ["v6", "shared_v4"] : []);

/** What an app asks for that Fly, or a release that can be taken back, cannot give. Asked once its shape is right. */
export function checkFlyApp(app: FlyAppConfig): FlyProblem[] {
  return [
    ...checkImage(app),
    ...checkGuests(app),
    ...checkProcesses(app),
    ...checkServices(app),
    ...checkMounts(app),
    ...checkStrategy(app),
    ...checkAddresses(app),
    ...checkVariables(app),
  ];
}

/** Secrets that apps name and the stack does not have. */
export function missingFlySecrets(
  apps: Record<string, FlyAppConfig>,
  secrets: Record<string, string>,
): Problem[] {
  return Object.entries(apps).flatMap(([app, { secrets: named }]) =>
    Object.entries(named)
      .filter(([, secret]) => !Object.hasOwn(secrets, secret))
      .map(([variable, secret]) => ({
        path: `berth:fly.${app}.secrets.${variable}`,
        message: `there is no secret "${secret}" under berth:secrets; there are ${Object.keys(secrets).join(", ") || "none"}`,
        example: `pulumi config set --secret --path 'berth:secrets.${secret}'`,
      })),
  );
}

function checkImage({ image: { system } }: FlyAppConfig): FlyProblem[] {
  return system === undefined || system === flySystem
    ? []
    : [{ path: ["image", "system"], message: `Fly's machines are ${flySystem}` }];
}

/** Cores there are, and MB of memory for each, by kind of core. */
const sizes = {
  shared: { cpus: [1, 2, 4, 6, 8], least: 256, most: 2048 },
  performance: { cpus: [1, 2, 4, 6, 8, 10, 12, 14, 16], least: 2048, most: 8192 },
};

function checkGuests(app: FlyAppConfig): FlyProblem[] {
  const guests: [FlyProblem["path"], FlyGuest | undefined][] = [
    [["guest"], app.guest],
    [["releaseCommand", "guest"], app.releaseCommand?.guest],
    ...Object.entries(app.processes).map(([name, { guest }]): [FlyProblem["path"], FlyGuest | undefined] => [
      ["processes", name, "guest"],
      guest,
    ]),
  ];
  return guests.flatMap(([path, guest]) => (guest ? checkGuest(path, guest) : []));
}

function checkGuest(path: FlyProblem["path"], { cpuKind, cpus, memory }: FlyGuest): FlyProblem[] {
  const { cpus: sold, least, most } = sizes[cpuKind];
  if (!sold.includes(cpus))
    return [{ path: [...path, "cpus"], message: `${cpuKind} machines have ${sold.join(", ")} cores` }];
  if (memory >= least * cpus && memory <= most * cpus) return [];
  const range = `from ${least * cpus} to ${most * cpus} MB`;
  return [{ path: [...path, "memory"], message: `a ${cpuKind} machine with ${cpus} of cores has ${range}` }];
}

function checkProcesses(app: FlyAppConfig): FlyProblem[] {
  const names = processNames(app);
  const things: [FlyProblem["path"], readonly string[]][] = [
    ...app.services.map(({ processes }, index): [FlyProblem["path"], string[]] => [
      ["services", index],
      processes,
    ]),
    ...app.mounts.map(({ processes }, index): [FlyProblem["path"], string[]] => [
      ["mounts", index],
      processes,
    ]),
    ...Object.entries(app.checks).map(([name, { processes }]): [FlyProblem["path"], string[]] => [
      ["checks", name],
      processes,
    ]),
  ];
  return things.flatMap(([path, wanted]) => {
    if (wanted.length === 0 && names.length > 1)
      return [
        { path: [...path, "processes"], message: `say for which of the processes: ${names.join(", ")}` },
      ];
    return wanted
      .filter((name) => !names.includes(name))
      .map((name) => ({
        path: [...path, "processes"],
        message: `there is no process "${name}"; there are ${names.join(", ")}`,
      }));
  });
}

function checkServices(app: FlyAppConfig): FlyProblem[] {
  return app.services
    .flatMap((service, index) => {
      const at = (...rest: (string | number)[]) => ["services", index, ...rest];
      const { autostop, autostart, concurrency, protocol, ports, forceHttps, checks } = service;
      return [
        ...(autostop !== "off" && !autostart
          ? [
              {
                path: at("autostart"),
                message:
                  "a machine that stops by itself and is not started again is lost; autostop off, or autostart true",
              },
            ]
          : []),
        ...(concurrency?.soft !== undefined &&
        concurrency.hard !== undefined &&
        concurrency.soft > concurrency.hard
          ? [{ path: at("concurrency", "soft"), message: "not more than hard" }]
          : []),
        ...(protocol === "udp" && ports.length === 0
          ? [{ path: at("ports"), message: "udp has no usual ports; name them" }]
          : []),
        ...(ports.length > 0 && forceHttps
          ? [{ path: at("forceHttps"), message: "with ports of its own it is said at the port" }]
          : []),
        ...ports.flatMap((one, place) =>
          one.forceHttps && !one.handlers.includes("http")
            ? [
                {
                  path: at("ports", place, "forceHttps"),
                  message: "only a port with the handler http can send people to https",
                },
              ]
            : [],
        ),
        ...checks.flatMap((check, place) => checkHttpOnly(at("checks", place), check)),
      ];
    })
    .concat(Object.entries(app.checks).flatMap(([name, check]) => checkHttpOnly(["checks", name], check)));
}

/** What only a page can be asked. */
function checkHttpOnly(path: (string | number)[], check: FlyService["checks"][number]): FlyProblem[] {
  if (check.type === "http")
    return check.path === undefined ? [{ path: [...path, "path"], message: "which page shall answer?" }] : [];
  const keys = ["path", "method", "protocol", "tlsServerName", "tlsSkipVerify"] as const;
  return keys
    .filter((key) => check[key] !== undefined)
    .map((key) => ({ path: [...path, key], message: "only a check of type http has it" }));
}

function checkMounts(app: FlyAppConfig): FlyProblem[] {
  return processNames(app).flatMap((process) => {
    const mine = app.mounts.flatMap((mount, index) => (isFor(mount, process) ? [index] : []));
    return mine.slice(1).map((index) => ({
      path: ["mounts", index],
      message: `a machine has one volume at most, and ${process} has another one`,
    }));
  });
}

function checkStrategy(app: FlyAppConfig): FlyProblem[] {
  const { strategy } = app.deploy;
  const path = ["deploy", "strategy"];
  if ((strategy === "canary" || strategy === "bluegreen") && app.mounts.length > 0)
    return [
      {
        path,
        message: `${strategy} makes machines beside the old ones, which hold the volumes; rolling changes them in place`,
      },
    ];
  if (strategy !== "bluegreen") return [];
  return processNames(app)
    .filter((process) => !hasChecks(app, process))
    .map((process) => ({
      path,
      message: `bluegreen moves the traffic once the new machines are healthy, and nothing is asked of ${process}; give its service a check, or choose rolling`,
    }));
}

const hasChecks = (app: FlyAppConfig, process: string): boolean =>
  app.services.some((service) => isFor(service, process) && service.checks.length > 0) ||
  Object.values(app.checks).some((check) => isFor(check, process));

/** A shared IPv4 address tells apps apart by the name that is asked for, so it takes http and TLS alone. */
function checkAddresses(app: FlyAppConfig): FlyProblem[] {
  if (!addressesOf(app).includes("shared_v4")) return [];
  const own = app.services.flatMap((service) =>
    service.protocol === "udp"
      ? portsOf(service)
      : portsOf(service).filter(({ port }) => port !== 80 && port !== 443),
  );
  if (own.length === 0) return [];
  const ports = own.map(({ port }) => port).join(", ");
  return [
    {
      path: ["addresses"],
      message: `a shared IPv4 address takes 80 and 443 alone, and there is ${ports}; choose [v6, v4] (v4 costs) or [v6]`,
    },
  ];
}

function checkVariables({ env, secrets }: FlyAppConfig): FlyProblem[] {
  return Object.keys(env)
    .filter((name) => Object.hasOwn(secrets, name))
    .map((name) => ({
      path: ["env", name],
      message: "it is among secrets, too; one of them would win silently",
    }));
}
