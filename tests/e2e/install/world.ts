import { execa } from "execa";
import { expect } from "vitest";
import type { HostManifest } from "../../../config/manifest.ts";
import type { InstallDocument } from "../../../deployer/install/document.ts";
import { markerOf } from "../../../deployer/install/progress.ts";
import { type Lab, reset, up } from "../../../lab/lab.ts";
import { until } from "../../lab/system/host.ts";
import { builtSystem, diskoWith, kexecWith, LabServer, systemWith } from "../installing.ts";

/** A lab of its own with what is installed in it, and what came of each fault that was caused. */
export class InstallWorld {
  readonly lab: Lab;
  readonly web: HostManifest;
  readonly #rows: { host: string; fault: string; outcome: string; seconds: number }[] = [];

  private constructor(lab: Lab, web: HostManifest) {
    this.lab = lab;
    this.web = web;
  }

  static async make(folder: string): Promise<InstallWorld> {
    await reset({ folder });
    const lab = await up({ folder });
    Object.assign(process.env, lab.env);
    return new InstallWorld(lab, await builtSystem(lab));
  }

  /** A server that lets us in. */
  async order(name: string, order: object = {}): Promise<LabServer> {
    const server = await LabServer.order(this.lab, this.web, name, { order });
    await server.answers();
    return server;
  }

  /** One row of the table. */
  note(host: string, fault: string, outcome: string, started: number): void {
    this.#rows.push({ host, fault, outcome, seconds: (Date.now() - started) / 1000 });
  }

  /** What was caused, what came of it, how long it took: host by host, and in order on each. */
  table(): string {
    const sorted = this.#rows.toSorted((one, other) => one.host.localeCompare(other.host));
    const width = Math.max(...sorted.map(({ host, fault }) => host.length + fault.length + 2));
    const rows = sorted.map(
      ({ host, fault, outcome, seconds }) =>
        `${`${host}: ${fault}`.padEnd(width)} → ${outcome} → ${seconds.toFixed(0)} s`,
    );
    return ["fault → outcome → time", ...rows].join("\n");
  }

  /** One run of the deployer to its end; its time and first line of outcome go into the table. */
  async run(
    server: LabServer,
    fault: string,
    document: InstallDocument,
    env: Record<string, string> = {},
  ): Promise<{ exitCode: number | undefined; said: string }> {
    const started = Date.now();
    const { exitCode, all } = await server.start(document, env);
    this.note(server.name, fault, outcomeOf(all), started);
    return { exitCode, said: all };
  }

  /** Starts the deployer and kills it, as Pulumi does, when it says something. */
  async killAt(server: LabServer, said: string, document: InstallDocument): Promise<void> {
    const started = Date.now();
    const child = server.start(document);
    await saidBy(child, said);
    child.kill("SIGKILL");
    await child;
    this.note(server.name, `deployer killed at "${said}"`, "gone, with its whole process group", started);
    // Its group ends by the pipe that closes; nothing of it may go on.
    await until("the end of its children", 15_000, async () => {
      const { stdout } = await execa("ps", ["-eo", "args"]);
      return stdout.includes(`berth-lab-${server.name}`) ? undefined : true;
    });
  }

  /** Starts the deployer and cuts all connections to the host when it says something; resolves when it has ended. */
  async cutAt(server: LabServer, phase: string, said: string, document: InstallDocument) {
    const started = Date.now();
    const child = server.start(document);
    await saidBy(child, said);
    await server
      .sh(
        "bootstrap",
        "systemd-run --quiet --on-active=0.3 --timer-property=AccuracySec=50ms pkill sshd-session",
      )
      .catch(() => "");
    const { exitCode, all } = await child;
    this.note(server.name, `connection cut in ${phase}`, outcomeOf(all), started);
    return { exitCode, said: all };
  }

  /** A system, a disk layout and an installer that take long enough to be interrupted. */
  async slow(): Promise<Pick<InstallDocument, "diskoScript" | "toplevel" | "kexecTarball">> {
    const { lab, web } = this;
    const [diskoScript, toplevel, kexecTarball] = await Promise.all([
      diskoWith(lab, web.diskoScript.out, "sleep 5"),
      systemWith(lab, web.toplevel.out, "sleep 5"),
      kexecWith(lab, web.kexecTarball?.out ?? "", "sleep 4"),
    ]);
    return { diskoScript, toplevel, kexecTarball };
  }
}

/** Resolves when a deployer has said something. Throws when it is over before. */
export async function saidBy(child: ReturnType<LabServer["start"]>, said: string): Promise<void> {
  let output = "";
  let over = false;
  child.all.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  void child.then(() => {
    over = true;
  });
  await until(`"${said}" of the deployer`, 120_000, async () => {
    if (output.includes(said)) return true;
    if (over) throw new Error(`the deployer was over before "${said}":\n${output}`);
    return undefined;
  });
}

/** The line of a failure, or the last one. */
export function outcomeOf(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const failure = lines.find((line) => /^\S+ \([^)]*\): /.test(line));
  const last = lines.at(-1)?.replace(/^ *[\d.]+ s +/, "");
  return (failure ?? last ?? "nothing was said").trim().slice(0, 220);
}

/** The host runs what the document says, as itself. */
export async function expectInstalled(server: LabServer, document: InstallDocument): Promise<void> {
  expect(await server.sh("lasting", "readlink -f /run/current-system")).toBe(document.toplevel.out);
  expect(await server.sh("lasting", "cat /etc/berth/install.json")).toBe(JSON.stringify(markerOf(document)));
}

/** Phases that a run went through. */
export const phasesOf = (said: string): string[] =>
  [...said.matchAll(/^ *[\d.]+ s {2}phase (\w+):/gm)].map(([, phase]) => phase ?? "");
export const touched = (said: string): boolean => phasesOf(said).length > 0;
