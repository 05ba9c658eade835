import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import { Calls } from "../../../provider/framework/calls.ts";
import { engineLog } from "../../../provider/framework/engine.ts";
import { providerService } from "../../../provider/framework/server.ts";
import type { ProviderDefinition } from "../../../provider/framework/types.ts";

/** Properties as they travel: secrets wrapped, unknowns as text. */
export type Wire = Record<string, unknown>;

export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
export const secret = (value: unknown): Wire => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

export interface LogLine {
  urn: string;
  message: string;
  severity: number;
  ephemeral: boolean;
}

export interface StepOptions {
  preview?: boolean;
  /** customTimeouts in seconds. */
  timeout?: number;
}

/** What an engine sees of a call that failed. */
export class Refused extends Error {
  readonly code: number;
  /** Of a partial failure: what the engine would store. */
  readonly stored: { id: string; outputs: Wire; reasons: string[] } | undefined;

  constructor(error: grpc.ServiceError) {
    super(error.details);
    this.code = error.code;
    this.stored = partial(error);
  }
}

function partial(error: grpc.ServiceError): Refused["stored"] {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Buffer)) return undefined;
  const [any] = statusProto.Status.deserializeBinary(bytes).getDetailsList();
  if (!any) return undefined;
  const failed = providerProto.ErrorResourceInitFailed.deserializeBinary(any.getValue_asU8());
  return { id: failed.getId(), outputs: wire(failed.getProperties()), reasons: failed.getReasonsList() };
}

/** Plays the engine for one provider, over real gRPC on loopback. */
export class EngineDouble implements AsyncDisposable {
  readonly log: LogLine[] = [];
  readonly type: string;
  readonly #client: providerGrpc.ResourceProviderClient;
  readonly #close: () => void;
  cancelled = false;

  private constructor(type: string, client: providerGrpc.ResourceProviderClient, close: () => void) {
    this.type = type;
    this.#client = client;
    this.#close = close;
  }

  /** Serves the definition in this process; URNs are of the given type unless a call says otherwise. */
  static async start(definition: ProviderDefinition, type: string): Promise<EngineDouble> {
    const { server: engine, address, lines } = await listen();
    const log = engineLog(address);
    const calls = new Calls(() => log);
    const provider = new grpc.Server();
    let double: EngineDouble | undefined;
    provider.addService(
      providerGrpc.ResourceProviderService,
      providerService(definition, {
        calls,
        attach: () => {},
        cancelled: () => {
          if (double) double.cancelled = true;
          calls.cancel("cancelled");
        },
      }),
    );
    const client = new providerGrpc.ResourceProviderClient(
      `127.0.0.1:${await bind(provider)}`,
      grpc.credentials.createInsecure(),
    );
    double = new EngineDouble(type, client, () => {
      client.close();
      for (const server of [engine, provider]) server.forceShutdown();
    });
    Object.assign(double, { log: lines });
    return double;
  }

  /** Runs an executable plugin, which ends with this double. */
  static async run(plugin: string, type: string, env: NodeJS.ProcessEnv): Promise<EngineDouble> {
    const { server, address, lines } = await listen();
    const child = spawn(plugin, [address], { env, stdio: ["ignore", "pipe", "ignore"] });
    const close = () => {
      child.kill();
      server.forceShutdown();
    };
    try {
      const client = new providerGrpc.ResourceProviderClient(
        `127.0.0.1:${await portOf(child)}`,
        grpc.credentials.createInsecure(),
      );
      const double = new EngineDouble(type, client, () => {
        client.close();
        close();
      });
      Object.assign(double, { log: lines });
      return double;
    } catch (error) {
      close();
      throw error;
    }
  }

  /** The same provider with URNs of another type; it ends with the double it was made from. */
  as(type: string): EngineDouble {
    const double = new EngineDouble(type, this.#client, () => {});
    Object.assign(double, { log: this.log });
    return double;
  }

  urn(name: string): string {
    return `urn:pulumi:dev::test::my:component:Parent$${this.type}::${name}`;
  }

  async configure(config: Wire = {}): Promise<void> {
    const request = new providerProto.ConfigureRequest();
    request.setArgs(struct(config));
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    request.setSendsOldInputs(true);
    request.setSendsOldInputsToDelete(true);
    await this.#call("configure", request);
  }

  async checkConfig(config: Wire): Promise<string[]> {
    const request = new providerProto.CheckRequest();
    request.setNews(struct(config));
    const response = await this.#call<providerProto.CheckResponse>("checkConfig", request);
    return response.getFailuresList().map((failure) => failure.getReason());
  }

  async check(
    name: string,
    news: Wire,
    olds: Wire = {},
  ): Promise<{ inputs: Wire; failures: [string, string][] }> {
    const request = new providerProto.CheckRequest();
    request.setUrn(this.urn(name));
    request.setNews(struct(news));
    request.setOlds(struct(olds));
    const response = await this.#call<providerProto.CheckResponse>("check", request);
    const failures = response
      .getFailuresList()
      .map((one): [string, string] => [one.getProperty(), one.getReason()]);
    return { inputs: wire(response.getInputs()), failures };
  }

  async diff(
    name: string,
    olds: { inputs: Wire; outputs: Wire; id: string },
    news: Wire,
    ignoreChanges: string[] = [],
  ) {
    const request = new providerProto.DiffRequest();
    request.setUrn(this.urn(name));
    request.setId(olds.id);
    request.setOldInputs(struct(olds.inputs));
    request.setOlds(struct(olds.outputs));
    request.setNews(struct(news));
    request.setIgnorechangesList(ignoreChanges);
    const response = await this.#call<providerProto.DiffResponse>("diff", request);
    const kinds = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];
    const detailed: Record<string, string | undefined> = {};
    response.getDetaileddiffMap().forEach((detail: providerProto.PropertyDiff, path: string) => {
      detailed[path] = kinds[detail.getKind()];
    });
    return {
      changes: response.getChanges() === providerProto.DiffResponse.DiffChanges.DIFF_SOME,
      detailed,
      hasDetailed: response.getHasdetaileddiff(),
      diffs: response.getDiffsList(),
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  async create(
    name: string,
    inputs: Wire,
    options: StepOptions = {},
  ): Promise<{ id: string; outputs: Wire }> {
    const request = new providerProto.CreateRequest();
    request.setUrn(this.urn(name));
    request.setProperties(struct(inputs));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeout ?? 0);
    const response = await this.#call<providerProto.CreateResponse>("create", request);
    return { id: response.getId(), outputs: wire(response.getProperties()) };
  }

  async update(
    name: string,
    olds: { inputs: Wire; outputs: Wire; id: string },
    news: Wire,
    options: StepOptions = {},
  ): Promise<Wire> {
    const request = new providerProto.UpdateRequest();
    request.setUrn(this.urn(name));
    request.setId(olds.id);
    request.setOldInputs(struct(olds.inputs));
    request.setOlds(struct(olds.outputs));
    request.setNews(struct(news));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeout ?? 0);
    const response = await this.#call<providerProto.UpdateResponse>("update", request);
    return wire(response.getProperties());
  }

  async read(name: string, id: string, state: { inputs: Wire; outputs: Wire }) {
    const request = new providerProto.ReadRequest();
    request.setUrn(this.urn(name));
    request.setId(id);
    request.setInputs(struct(state.inputs));
    request.setProperties(struct(state.outputs));
    const response = await this.#call<providerProto.ReadResponse>("read", request);
    return {
      id: response.getId(),
      inputs: wire(response.getInputs()),
      outputs: wire(response.getProperties()),
    };
  }

  async delete(name: string, id: string, state: { inputs: Wire; outputs: Wire }): Promise<void> {
    const request = new providerProto.DeleteRequest();
    request.setUrn(this.urn(name));
    request.setId(id);
    request.setOldInputs(struct(state.inputs));
    request.setProperties(struct(state.outputs));
    await this.#call("delete", request);
  }

  async invoke(token: string, args: Wire): Promise<Wire> {
    const request = new providerProto.InvokeRequest();
    request.setTok(token);
    request.setArgs(struct(args));
    const response = await this.#call<providerProto.InvokeResponse>("invoke", request);
    return wire(response.getReturn());
  }

  async cancel(): Promise<void> {
    await this.#call("cancel", new emptyProto.Empty());
  }

  #call<Response>(method: keyof providerGrpc.ResourceProviderClient, request: unknown): Promise<Response> {
    type Unary = (
      request: unknown,
      done: (error: grpc.ServiceError | null, response: Response) => void,
    ) => void;
    const unary = (this.#client[method] as unknown as Unary).bind(this.#client);
    return new Promise((resolve, reject) =>
      unary(request, (error, response) => (error ? reject(new Refused(error)) : resolve(response))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}

/** The engine's side: where plugins write their log. */
async function listen(): Promise<{ server: grpc.Server; address: string; lines: LogLine[] }> {
  const lines: LogLine[] = [];
  const server = new grpc.Server();
  server.addService(engineGrpc.EngineService, {
    log: (
      call: grpc.ServerUnaryCall<engineProto.LogRequest, emptyProto.Empty>,
      done: grpc.sendUnaryData<emptyProto.Empty>,
    ) => {
      const { request } = call;
      lines.push({
        urn: request.getUrn(),
        message: request.getMessage(),
        severity: request.getSeverity(),
        ephemeral: request.getEphemeral(),
      });
      done(null, new emptyProto.Empty());
    },
  });
  return { server, address: `127.0.0.1:${await bind(server)}`, lines };
}

/** A plugin prints its port, and nothing before it. */
function portOf(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = "";
    const timer = setTimeout(() => reject(new Error("the plugin named no port within 20 s")), 20_000);
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      const port = /^(\d+)\s*\n/.exec(seen)?.[1];
      if (!port) return;
      clearTimeout(timer);
      resolve(port);
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the plugin ended with code ${code}`)));
  });
}

function bind(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
}

function struct(properties: Wire): structProto.Struct {
  return structProto.Struct.fromJavaScript(properties as Record<string, structProto.JavaScriptValue>);
}

function wire(properties: structProto.Struct | undefined): Wire {
  return properties?.toJavaScript() ?? {};
}
