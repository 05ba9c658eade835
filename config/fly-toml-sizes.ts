import type { FlyAppInput } from "./fly.ts";
import type { FlyToml, TomlMachine } from "./fly-toml-shape.ts";
import type { Problem } from "./problems.ts";

/** A map without what is undefined in it. */
export const defined = (map: object): object =>
  Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined));

/** Splits a command line; one that cannot be is a problem at its place. */
export type Command = (line: string, path: string) => string[];

/** Sizes of machines and commands of processes. */
export function sizesOf(
  toml: FlyToml,
  names: readonly string[],
  command: Command,
  problems: Problem[],
): Pick<FlyAppInput, "guest" | "processes"> {
  const machines = (toml.vm ?? []).map(({ processes = [], ...vm }, index) => ({
    processes,
    guest: guestOf(vm, `vm.${index}`, problems),
  }));
  const usual = machines.filter(({ processes }) => processes.length === 0);
  if (usual.length > 1)
    problems.push({ path: "vm.1", message: "a second size for all; say for which processes it is" });
  for (const [index, { processes }] of machines.entries())
    for (const process of processes)
      if (!names.includes(process) && process !== "app")
        problems.push({ path: `vm.${index}.processes`, message: `there is no process "${process}"` });
  const own = (process: string) => machines.find(({ processes }) => processes.includes(process))?.guest;
  const guest = usual[0]?.guest ?? (names.length === 0 ? own("app") : undefined);
  return {
    ...(guest && { guest }),
    processes: Object.fromEntries(
      Object.entries(toml.processes ?? {}).map(([name, line]) => {
        const size = own(name);
        return [
          name,
          {
            ...(line !== "" && { command: command(line, `processes.${name}`) }),
            ...(size && { guest: size }),
          },
        ];
      }),
    ),
  };
}

/** A size by its name, with what is said beside it in its place. */
function guestOf(vm: TomlMachine, path: string, problems: Problem[]): NonNullable<FlyAppInput["guest"]> {
  const { size = "shared-cpu-1x", cpu_kind, memory, memory_mb } = vm;
  const named = /^(?:shared-cpu|(performance))-(\d+)x$/.exec(size);
  if (!named)
    problems.push({
      path: `${path}.size`,
      message: `"${size}" is no size such as shared-cpu-1x or performance-2x`,
    });
  const cpuKind = cpu_kind ?? (named?.[1] === undefined ? "shared" : "performance");
  if (cpuKind !== "shared" && cpuKind !== "performance") {
    problems.push({ path: `${path}.cpu_kind`, message: "shared or performance" });
    return {};
  }
  const cpus = vm.cpus ?? Number(named?.[2] ?? 1);
  return { cpuKind, cpus, memory: memory ?? memory_mb ?? (cpuKind === "shared" ? 256 : 2048) * cpus };
}

/** Strategy and release command. */
export function deployOf(
  { deploy }: FlyToml,
  command: Command,
  problems: Problem[],
): Pick<FlyAppInput, "deploy" | "releaseCommand"> {
  if (!deploy) return {};
  const { release_command, release_command_timeout, release_command_vm } = deploy;
  return {
    deploy: defined({
      strategy: deploy.strategy,
      maxUnavailable: deploy.max_unavailable,
      waitTimeout: deploy.wait_timeout,
    }),
    ...(release_command !== undefined && {
      releaseCommand: {
        command: command(release_command, "deploy.release_command"),
        ...(release_command_timeout !== undefined && { timeout: release_command_timeout }),
        ...(release_command_vm && {
          guest: guestOf(release_command_vm, "deploy.release_command_vm", problems),
        }),
      },
    }),
  } as Pick<FlyAppInput, "deploy" | "releaseCommand">;
}
