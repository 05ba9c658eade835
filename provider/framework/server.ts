import type * as grpc from "@grpc/grpc-js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { Calls } from "./calls.ts";
import { diffInputs, topLevel } from "./diff.ts";
import { statusOf } from "./errors.ts";
import { type Decoded, decode, type Encoding, encode } from "./struct.ts";
import type {
  CheckFailure,
  DiffKind,
  DiffResult,
  Properties,
  ProviderDefinition,
  ResourceHandler,
} from "./types.ts";

type Struct = structProto.Struct;

/** What the server needs from the process it runs in. */
export interface Surroundings {
  calls: Calls;
  /** The engine says where it listens (only when it attached to a running plugin). */
  attach(address: string): void;
  /** The engine cancels, or is done. */
  cancelled(): void;
}

const KINDS: Record<DiffKind, providerProto.PropertyDiff.Kind> = {
  add: providerProto.PropertyDiff.Kind.ADD,
  "add-replace": providerProto.PropertyDiff.Kind.ADD_REPLACE,
  delete: providerProto.PropertyDiff.Kind.DELETE,
  "delete-replace": providerProto.PropertyDiff.Kind.DELETE_REPLACE,
  update: providerProto.PropertyDiff.Kind.UPDATE,
  "update-replace": providerProto.PropertyDiff.Kind.UPDATE_REPLACE,
};

/** The gRPC methods of a provider, between the engine's messages and the definition's handlers. */
export function providerService(
  definition: ProviderDefinition,
  surroundings: Surroundings,
): grpc.UntypedServiceImplementation {
  const { calls } = surroundings;

  /** The words for an unknown token: the engine shows them as they are. */
  const refuse = (token: string): Error =>
    new Error(definition.unknownToken?.(token) ?? `the provider ${definition.name} has no ${token}`);

  const loaded = new Map<string, ResourceHandler | Promise<ResourceHandler>>();
  const handlerOf = async (urn: string): Promise<ResourceHandler> => {
    const type = typeOf(urn);
    const source = Object.hasOwn(definition.resources, type) ? definition.resources[type] : undefined;
    if (!source) throw refuse(type);
    const handler = loaded.get(type) ?? (typeof source === "function" ? source() : source);
    loaded.set(type, handler);
    return await handler;
  };

  return {
    handshake: unary(async () => {
      const response = new providerProto.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),

    attach: unary(async (request: pluginProto.PluginAttach) => {
      surroundings.attach(request.getAddress());
      return new emptyProto.Empty();
    }),

    getPluginInfo: unary(async () => {
      const response = new pluginProto.PluginInfo();
      response.setVersion(definition.version);
      return response;
    }),

    checkConfig: unary(async (request: providerProto.CheckRequest) => {
      const response = new providerProto.CheckResponse();
      response.setInputs(request.getNews());
      const config = configOf(read(request.getNews()).properties);
      response.setFailuresList(((await definition.checkConfig?.(config)) ?? []).map(failureOf));
      return response;
    }),

    diffConfig: unary(async (request: providerProto.DiffRequest) =>
      diffResponse(diffOf(read(request.getOldInputs()).properties, read(request.getNews()).properties)),
    ),

    configure: unary(async (request: providerProto.ConfigureRequest) => {
      const config = configOf(read(request.getArgs()).properties);
      await calls.run("", 0, async (call) => definition.configure?.(config, call));
      const response = new providerProto.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),

    check: unary(async (request: providerProto.CheckRequest) => {
      const news = read(request.getNews());
      const olds = read(request.getOlds());
      const handler = await handlerOf(request.getUrn());
      const checked = (await calls.run(request.getUrn(), 0, async (call) =>
        handler.check?.(news.properties, olds.properties, call),
      )) ?? { inputs: news.properties };
      const response = new providerProto.CheckResponse();
      const { secrets, unknowns } = news;
      response.setInputs(write(checked.inputs, { secrets, unknowns, secretNames: handler.secretOutputs }));
      response.setFailuresList((checked.failures ?? []).map(failureOf));
      return response;
    }),

    diff: unary(async (request: providerProto.DiffRequest) => {
      const handler = await handlerOf(request.getUrn());
      const olds = {
        inputs: read(request.getOldInputs()).properties,
        outputs: read(request.getOlds()).properties,
        id: request.getId(),
      };
      const news = read(request.getNews()).properties;
      const result = await calls.run(request.getUrn(), 0, async (call) => handler.diff?.(olds, news, call));
      return diffResponse(
        withoutIgnored(result ?? diffOf(olds.inputs, news), request.getIgnorechangesList()),
      );
    }),

    create: unary(async (request: providerProto.CreateRequest) => {
      const handler = await handlerOf(request.getUrn());
      const inputs = read(request.getProperties());
      const encoding = { secrets: inputs.secrets, secretNames: handler.secretOutputs };
      const response = new providerProto.CreateResponse();
      await calls
        .run(request.getUrn(), request.getTimeout(), async (call) => {
          if (request.getPreview()) {
            const outputs = (await handler.preview?.(inputs.properties, undefined, call)) ?? {};
            response.setProperties(write(outputs, { ...encoding, unknowns: true }));
          } else {
            const created = await handler.create(inputs.properties, call);
            response.setId(created.id);
            response.setProperties(write(created.outputs, encoding));
          }
        })
        .catch(carrying(encoding));
      return response;
    }),

    update: unary(async (request: providerProto.UpdateRequest) => {
      const handler = await handlerOf(request.getUrn());
      const news = read(request.getNews());
      const olds = {
        inputs: read(request.getOldInputs()).properties,
        outputs: read(request.getOlds()).properties,
      };
      const encoding = { secrets: news.secrets, secretNames: handler.secretOutputs };
      const response = new providerProto.UpdateResponse();
      await calls
        .run(request.getUrn(), request.getTimeout(), async (call) => {
          if (request.getPreview()) {
            const outputs = (await handler.preview?.(news.properties, olds.outputs, call)) ?? {};
            response.setProperties(write(outputs, { ...encoding, unknowns: true }));
          } else {
            if (!handler.update) throw new Error(`${typeOf(request.getUrn())} cannot be updated in place`);
            const outputs = await handler.update(request.getId(), olds, news.properties, call);
            response.setProperties(write(outputs, encoding));
          }
        })
        .catch(carrying(encoding));
      return response;
    }),

    read: unary(async (request: providerProto.ReadRequest) => {
      const handler = await handlerOf(request.getUrn());
      const inputs = read(request.getInputs());
      const outputs = read(request.getProperties());
      const state = { inputs: inputs.properties, outputs: outputs.properties };
      const found: Awaited<ReturnType<NonNullable<ResourceHandler["read"]>>> = handler.read
        ? await calls.run(request.getUrn(), request.getTimeout(), async (call) =>
            handler.read?.(request.getId(), state, call),
          )
        : state;
      const response = new providerProto.ReadResponse();
      if (!found) return response;
      response.setId(found.id ?? request.getId());
      const secretNames = handler.secretOutputs;
      response.setInputs(write(found.inputs, { secrets: inputs.secrets, secretNames }));
      response.setProperties(
        write(found.outputs, {
          secrets: [...inputs.secrets, ...outputs.secrets].filter(([name]) => name && name in found.outputs),
          secretNames,
        }),
      );
      return response;
    }),

    delete: unary(async (request: providerProto.DeleteRequest) => {
      const handler = await handlerOf(request.getUrn());
      const state = {
        inputs: read(request.getOldInputs()).properties,
        outputs: read(request.getProperties()).properties,
      };
      await calls.run(request.getUrn(), request.getTimeout(), async (call) =>
        handler.delete?.(request.getId(), state, call),
      );
      return new emptyProto.Empty();
    }),

    invoke: unary(async (request: providerProto.InvokeRequest) => {
      const token = request.getTok();
      const work = Object.hasOwn(definition.functions ?? {}, token)
        ? definition.functions?.[token]
        : undefined;
      if (!work) throw refuse(token);
      const args = read(request.getArgs());
      const result = await calls.run("", 0, (call) => work(args.properties, call));
      const response = new providerProto.InvokeResponse();
      response.setReturn(write(result, { secrets: args.secrets }));
      return response;
    }),

    cancel: unary(async () => {
      surroundings.cancelled();
      return new emptyProto.Empty();
    }),
  };
}

function unary<Request, Response>(work: (request: Request) => Promise<Response>) {
  return (call: grpc.ServerUnaryCall<Request, Response>, callback: grpc.sendUnaryData<Response>): void => {
    work(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback(isStatus(error) ? error : statusOf(error, (outputs) => encode(outputs))),
    );
  };
}

function isStatus(error: unknown): error is Partial<grpc.StatusObject> {
  return typeof error === "object" && error !== null && "code" in error && "details" in error;
}

/** A partial failure's outputs need the secrets of the call's inputs, which only the call knows. */
function carrying(encoding: Encoding): (error: unknown) => never {
  return (error) => {
    throw statusOf(error, (outputs) => encode(outputs, encoding));
  };
}

function read(struct: Struct | undefined): Decoded {
  return decode(struct?.toJavaScript() ?? {});
}

function write(properties: Properties, encoding: Encoding): Struct {
  return structProto.Struct.fromJavaScript(
    encode(properties, encoding) as Record<string, structProto.JavaScriptValue>,
  );
}

/** The provider's own settings, without those the engine finds the plugin by. */
function configOf(properties: Properties): Properties {
  const { version: _version, pluginDownloadURL: _url, ...config } = properties;
  return config;
}

function failureOf({ property, reason }: CheckFailure): providerProto.CheckFailure {
  const failure = new providerProto.CheckFailure();
  failure.setProperty(property);
  failure.setReason(reason.toWellFormed());
  return failure;
}

function diffOf(olds: Properties, news: Properties): DiffResult {
  const detailed = diffInputs(olds, news);
  return { changes: Object.keys(detailed).length > 0, detailed };
}

/** A refresh asks about what it has found, and leaves out itself nothing that the program ignores. */
function withoutIgnored(result: DiffResult, ignored: readonly string[]): DiffResult {
  if (ignored.length === 0 || result.detailed === undefined) return result;
  const isIgnored = (path: string) =>
    ignored.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
  const detailed = Object.fromEntries(Object.entries(result.detailed).filter(([path]) => !isIgnored(path)));
  return { ...result, detailed, changes: result.changes && Object.keys(detailed).length > 0 };
}

function diffResponse(result: DiffResult): providerProto.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = providerProto.DiffResponse.DiffChanges;
  const response = new providerProto.DiffResponse();
  response.setChanges(result.changes ? DIFF_SOME : DIFF_NONE);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  if (!result.changes) return response;
  response.setHasdetaileddiff(result.detailed !== undefined);
  const names = new Set<string>();
  const replaces = new Set<string>();
  for (const [path, kind] of Object.entries(result.detailed ?? {})) {
    const detail = new providerProto.PropertyDiff();
    detail.setKind(KINDS[kind]);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(path, detail);
    names.add(topLevel(path));
    if (kind.endsWith("-replace")) replaces.add(topLevel(path));
  }
  response.setDiffsList([...names]);
  response.setReplacesList([...replaces]);
  return response;
}

/** The resource's type token: the last of the URN's types, which are parted by "$" from parent to child. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}
