import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { ControlGroup } from "../cgroups.ts";
import { ConsoleLog } from "../console-log.ts";
import { GATEWAY, type LabNames } from "../names.ts";
import { attempt, lineOf, run } from "../run.ts";
import { waitFor } from "../waiting.ts";

/** How long a service may take until it serves. */
const READY_LIMIT_MS = 45_000;

/** How long a service that died stays down. */
const REVIVAL_MS = 1_000;

/** What services need of their lab. */
export interface BoxHome {
  names: LabNames;
  group: ControlGroup;
  /** The base image's root; services run from it. */
  image: string;
  /** Folder of the services' folders. */
  folder: string;
}

/** A service: what runs, and where it is in the lab's network. */
export interface BoxSpec {
  /** Names its folder and its cgroup, e.g. "balancer-3". */
  name: string;
  /** What people call it, e.g. "load balancer web". */
  title: string;
  /** Its port on the bridge, 15 characters at most. */
  port: string;
  mac: string;
  /** In CIDR form. */
  addresses: string[];
  /** What the lab routes to it, in CIDR form. */
  routes: string[];
  /** Program and arguments. Its folder's `data/` is /run/lab there. */
  command: string[];
  environment?: Record<string, string>;
  /** The image's user who may write in /run/service. @default "root" */
  owner?: string;
  /** Called again and again after a start, until it gives something else than null. */
  ready: (box: Box) => Promise<true | null>;
  /** Called at every start, once its network namespace is there. */
  connect?: (box: Box) => Promise<void>;
  /** Called at every start, once it serves. */
  served?: (box: Box) => Promise<void>;
}

/**
 * A program of the base image in mount, PID and network namespaces of its own, on the lab's bridge as a server is. It
 * ends with this process, and is started again when it dies.
 */
export class Box {
  readonly spec: BoxSpec;
  readonly log: ConsoleLog;
  readonly #home: BoxHome;
  #init = 0;
  #stopping = new AbortController();
  #kill: () => void = () => {};
  #life: Promise<void> = Promise.resolve();

  constructor(home: BoxHome, spec: BoxSpec) {
    this.#home = home;
    this.spec = spec;
    this.log = new ConsoleLog(join(this.folder, "log"));
  }

  get folder(): string {
    return join(this.#home.folder, this.spec.name);
  }

  /** What the program sees as /run/lab. */
  get data(): string {
    return join(this.folder, "data");
  }

  /** The program's process id, as this machine numbers it. */
  get init(): number {
    return this.#init;
  }

  /** A file in the program's root, as this process reaches it: short enough for a socket's path. */
  inside(path: string): string {
    return `/proc/${this.#init}/root${path}`;
  }

  /** Runs another program of the image beside the service and returns what it says. */
  async run(command: string[]): Promise<string> {
    return await run("nsenter", [...this.#entering, ...command]);
  }

  /** The same for a program whose failure is an answer: the lines it complains with; none when it is content. */
  async complaints(command: string[]): Promise<string[]> {
    const result = await execa("nsenter", [...this.#entering, ...command], {
      reject: false,
      timeout: READY_LIMIT_MS,
    });
    if (!result.failed) return [];
    return [...result.stderr.split("\n").filter(Boolean), `exit ${result.exitCode ?? "by a signal"}`];
  }

  /** Runs `ip` in the service's network. */
  async ip(...args: string[]): Promise<void> {
    await run("nsenter", [`--target=${this.#init}`, "--net", "ip", ...args]);
  }

  get #entering(): string[] {
    return [`--target=${this.#init}`, "--mount", "--net", "--pid", "--root", "--wd"];
  }

  /** Resolves when the service serves; from then on it is started again whenever it dies. */
  async start(): Promise<void> {
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    const running = await this.#begin(signal).catch(async (error: unknown) => {
      await this.stop();
      throw new Error(`${this.spec.title} did not start: ${lineOf(error)}`);
    });
    this.#life = this.#live(running, signal);
  }

  /** Ends the service; its folder stays. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#kill();
    await this.#life;
    await this.#group.destroy();
    for (const route of this.spec.routes)
      await attempt("ip", ["-n", this.#home.names.namespace, "route", "del", route]);
  }

  get #group(): ControlGroup {
    return this.#home.group.child(this.spec.name);
  }

  async #live(first: Running, stopping: AbortSignal): Promise<void> {
    for (let running: Running | null = first; running; ) {
      await running.ended;
      running = stopping.aborted ? null : await this.#revive(stopping);
    }
  }

  /** Starts the service again until that works; null when it is to stop. */
  async #revive(stopping: AbortSignal): Promise<Running | null> {
    await this.log.note("died");
    for (;;) {
      await sleep(REVIVAL_MS, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return null;
      try {
        return await this.#begin(stopping);
      } catch (error) {
        await this.log.note(lineOf(error));
      }
    }
  }

  async #begin(stopping: AbortSignal): Promise<Running> {
    await mkdir(this.data, { recursive: true, mode: 0o700 });
    const group = this.#group;
    await group.destroy();
    await group.create();
    if (stopping.aborted) throw new Error("it was stopped before it ran");
    const child = execa("setpriv", ["--pdeathsig", "KILL", ...NAMESPACES, SCRIPT, ...this.spec.command], {
      env: this.#environment(group),
      extendEnv: false,
      stdin: "ignore",
      buffer: false,
      reject: false,
      cleanup: false,
    });
    this.#kill = () => child.kill("SIGKILL");
    this.log.follow(child.stdout);
    this.log.follow(child.stderr);
    let over = false;
    const ended = child.then(() => {
      over = true;
    });
    const alive = () => {
      if (over) throw new Error("it ended");
    };
    try {
      this.#init = await waitFor(
        "its first process",
        async () => {
          alive();
          return await childOf(child.pid ?? 0);
        },
        READY_LIMIT_MS,
      );
      await this.spec.connect?.(this);
      await waitFor(
        "its first answer",
        async () => {
          alive();
          return await this.spec.ready(this);
        },
        READY_LIMIT_MS,
      );
      await this.spec.served?.(this);
    } catch (error) {
      this.#kill();
      await ended;
      const said = (await this.log.tail(1))[0];
      throw new Error(said ? `${lineOf(error)}: ${said}` : lineOf(error));
    }
    return { ended };
  }

  #environment(group: ControlGroup): Record<string, string> {
    const { names, image } = this.#home;
    const { port, mac, addresses, routes, environment, owner } = this.spec;
    return {
      ...environment,
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      CGROUPS: group.folders.join(" "),
      NETNS: names.namespacePath,
      BRIDGE: names.bridge,
      PORT: port,
      MAC: mac,
      ADDRESSES: addresses.join(" "),
      ROUTES: routes.join(" "),
      GATEWAY4: GATEWAY.ipv4,
      GATEWAY6: GATEWAY.ipv6,
      IMAGE: image,
      FOLDER: this.folder,
      OWNER: owner ?? "root",
    };
  }
}

/** A service between its start and its end. */
interface Running {
  ended: Promise<void>;
}

const SCRIPT = join(import.meta.dirname, "box.sh");

/** With the process that holds them, everything in them dies. */
const NAMESPACES = [
  ...["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child=KILL"],
  ...["--mount-proc", "sh"],
];

/** The first child of a process; null while it has none. */
async function childOf(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return Number(text.split(" ")[0]) || null;
}
