import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { tokenOf } from "../../../lab/plugins/hcloud/provider.ts";
import { type EngineDouble, Refused, type Wire } from "../../unit/provider/client.ts";

/** A resource as an engine knows it. */
export interface Made {
  type: string;
  name: string;
  id: string;
  inputs: Wire;
  outputs: Wire;
}

/** What one step of an engine came to. */
export interface Step {
  /** "create Server web". */
  did: string;
  /** What the cloud was asked for meanwhile: "POST /servers {…}". */
  requests: string[];
  /** What the engine would keep; of a step that failed, the error. */
  kept: Wire;
}

/** Plays an engine that drives a provider's resources against a cloud, and writes down what happens. */
export class Play {
  readonly steps: Step[] = [];
  readonly #engine: EngineDouble;
  readonly #requests: RequestRecord[];

  /** `requests`: where the cloud writes what it is asked for. */
  constructor(engine: EngineDouble, requests: RequestRecord[]) {
    this.#engine = engine;
    this.#requests = requests;
  }

  async create(type: string, name: string, args: Wire): Promise<Made> {
    return await this.#step(`create ${type} ${name}`, async () => {
      const engine = this.#engine.as(tokenOf(type));
      const { inputs, failures } = await engine.check(name, args);
      if (failures.length > 0) throw new Error(JSON.stringify(failures));
      return { type, name, inputs, ...(await engine.create(name, inputs)) };
    });
  }

  /** The difference that other arguments make. */
  async differ(made: Made, args: Wire): Promise<void> {
    await this.#step(`diff ${made.type} ${made.name}`, async () => {
      const engine = this.#engine.as(tokenOf(made.type));
      const { inputs } = await engine.check(made.name, args, made.inputs);
      // Not the details: the real plugin's newer half leaves them to the engine.
      const { changes, replaces, deleteBeforeReplace } = await engine.diff(made.name, made, inputs);
      return { ...made, outputs: { changes, replaces: replaces.sort(), deleteBeforeReplace } };
    });
  }

  /** Changes a resource to other arguments, with the difference looked at before. */
  async update(made: Made, args: Wire): Promise<Made> {
    await this.differ(made, args);
    return await this.#step(`update ${made.type} ${made.name}`, async () => {
      const engine = this.#engine.as(tokenOf(made.type));
      const { inputs, failures } = await engine.check(made.name, args, made.inputs);
      if (failures.length > 0) throw new Error(JSON.stringify(failures));
      return { ...made, inputs, outputs: await engine.update(made.name, made, inputs) };
    });
  }

  async refresh(made: Made): Promise<Made> {
    return await this.#step(`refresh ${made.type} ${made.name}`, async () => {
      const engine = this.#engine.as(tokenOf(made.type));
      return { ...made, ...(await engine.read(made.name, made.id, made)) };
    });
  }

  async import(type: string, name: string, id: string): Promise<Made> {
    return await this.#step(`import ${type} ${name}`, async () => {
      const engine = this.#engine.as(tokenOf(type));
      return { type, name, ...(await engine.read(name, id, { inputs: {}, outputs: {} })) };
    });
  }

  async delete(made: Made): Promise<void> {
    await this.#step(`delete ${made.type} ${made.name}`, async () => {
      await this.#engine.as(tokenOf(made.type)).delete(made.name, made.id, made);
      return { ...made, inputs: {}, outputs: {} };
    });
  }

  /** A step that the cloud refuses; the error is what is kept. */
  async refused(step: Promise<unknown>): Promise<void> {
    await step.then(
      () => {
        throw new Error(`${this.steps.at(-1)?.did} was not refused`);
      },
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
      },
    );
  }

  async #step(did: string, work: () => Promise<Made>): Promise<Made> {
    const before = this.#requests.length;
    const write = (kept: Wire) =>
      this.steps.push({ did, requests: this.#requests.slice(before).map(lineOf), kept });
    try {
      const made = await work();
      write(plain({ id: made.id, inputs: made.inputs, outputs: made.outputs }) as Wire);
      return made;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      write({ error: words.replaceAll(/, [0-9a-f]{16}\)/g, ", CORRELATION)") });
      throw error;
    }
  }
}

function lineOf({ method, path, body }: RequestRecord): string {
  const request = `${method} ${path.replace(/^\/v1/, "")}`;
  const empty = body === null || (typeof body === "object" && Object.keys(body).length === 0);
  return empty ? request : `${request} ${JSON.stringify(sorted(body))}`;
}

/** With keys in order, and what is a set as well. */
function sorted(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return SETS.includes(key) ? set(value) : value.map((one) => sorted(one));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, sorted(one, name)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Lists whose order is the real plugin's own, by hashes; it also decides whether an unset text in them is null or "". */
const SETS = ["rules", "targets"];

function set(elements: unknown[]): unknown[] {
  const texts = elements.map((one) => JSON.stringify(sorted(one), (_, value) => value ?? ""));
  return texts.sort().map((text) => JSON.parse(text) as unknown);
}

/** Without what the bridge between Pulumi and Terraform keeps for itself, and with a word for what is another in each run. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "string")
    return CHANCE.reduce((text, [like, word]) => text.replace(like, word), value);
  if (typeof value !== "object" || value === null) return value;
  const own = Object.entries(value).filter(
    ([key]) => !["__defaults", "__meta", "__pulumi_raw_state_delta"].includes(key),
  );
  return sorted(Object.fromEntries(own.map(([key, one]) => [key, plain(one)])));
}

const CHANCE: [RegExp, string][] = [
  [/^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)$/, "TIME"],
  [/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i, "FINGERPRINT"],
  [/^-----BEGIN [\s\S]*$/, "PEM"],
];

/** The requests of a play, step by step, as they are kept beside the tests. */
export function script(steps: readonly Step[]): string {
  const asking = steps.filter(({ requests }) => requests.length > 0);
  return asking.map(({ did, requests }) => [`== ${did}`, ...requests, ""].join("\n")).join("\n");
}
