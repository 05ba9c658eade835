import { hcloudStandIn, tokenOf } from "../../../lab/plugins/hcloud/provider.ts";
import { EngineDouble, Refused, type StepOptions, type Wire } from "../../unit/provider/client.ts";
import { listeningCloud, token } from "../cloud/client.ts";

type Cloud = Awaited<ReturnType<typeof listeningCloud>>;

/** A resource as an engine knows it: what was asked for, what came of it. */
export interface Made {
  id: string;
  inputs: Wire;
  outputs: Wire;
}

/** One resource type of the stand-in, played as an engine plays it: check, then diff, then the step. */
export class Kind {
  readonly engine: EngineDouble;

  constructor(engine: EngineDouble) {
    this.engine = engine;
  }

  async create(name: string, args: Wire, options?: StepOptions): Promise<Made> {
    const inputs = await this.#checked(name, args, {});
    return { inputs, ...(await this.engine.create(name, inputs, options)) };
  }

  async diff(name: string, made: Made, args: Wire) {
    return await this.engine.diff(name, made, await this.#checked(name, args, made.inputs));
  }

  async update(name: string, made: Made, args: Wire, options?: StepOptions): Promise<Made> {
    const inputs = await this.#checked(name, args, made.inputs);
    return { ...made, inputs, outputs: await this.engine.update(name, made, inputs, options) };
  }

  async refresh(name: string, made: Made): Promise<Made> {
    return await this.engine.read(name, made.id, made);
  }

  async import(name: string, id: string): Promise<Made> {
    return await this.engine.read(name, id, { inputs: {}, outputs: {} });
  }

  async delete(name: string, made: Made): Promise<void> {
    await this.engine.delete(name, made.id, made);
  }

  /** The reasons a check gives. */
  async faults(name: string, args: Wire): Promise<string[]> {
    const { failures } = await this.engine.check(name, args);
    return failures.map(([property, reason]) => (property ? `${property}: ${reason}` : reason));
  }

  async #checked(name: string, args: Wire, olds: Wire): Promise<Wire> {
    const { inputs, failures } = await this.engine.check(name, args, olds);
    if (failures.length > 0) throw new Error(`check: ${JSON.stringify(failures)}`);
    return inputs;
  }
}

/** The stand-in for hcloud against a cloud of its own. */
export interface Stage extends AsyncDisposable {
  cloud: Cloud;
  keys: Kind;
  ips: Kind;
  firewalls: Kind;
  servers: Kind;
  /** Any other type, e.g. "Volume". */
  kind(type: string): Promise<Kind>;
  /** The requests since the last call, as "METHOD path", each with its body where it has one. */
  requests(): [string, unknown?][];
}

export async function stage(
  options: Parameters<typeof listeningCloud>[0] = { actionMode: "instant" },
): Promise<Stage> {
  const cloud = await listeningCloud(options);
  const environment = { HCLOUD_TOKEN: token, HCLOUD_ENDPOINT: cloud.url };
  const engines: EngineDouble[] = [];
  const kind = async (type: string) => {
    const engine = await EngineDouble.start(hcloudStandIn(environment, 1), tokenOf(type));
    engines.push(engine);
    await engine.configure({ pollInterval: "5ms" });
    return new Kind(engine);
  };
  return {
    cloud,
    keys: await kind("SshKey"),
    ips: await kind("PrimaryIp"),
    firewalls: await kind("Firewall"),
    servers: await kind("Server"),
    kind,
    requests: () =>
      cloud.requests
        .splice(0)
        .map(({ method, path, body }): [string, unknown?] =>
          isEmpty(body)
            ? [`${method} ${path.replace(/^\/v1/, "")}`]
            : [`${method} ${path.replace(/^\/v1/, "")}`, body],
        ),
    async [Symbol.asyncDispose]() {
      for (const engine of engines) await engine[Symbol.asyncDispose]();
      cloud.close();
    },
  };
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || (typeof body === "object" && Object.keys(body).length === 0);
}

/** What the engine is told when a step fails. */
export async function refusal(step: Promise<unknown>): Promise<Refused> {
  return await step.then(
    () => {
      throw new Error("the step succeeded");
    },
    (error: unknown) => {
      if (error instanceof Refused) return error;
      throw error;
    },
  );
}
