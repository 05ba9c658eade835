import * as grpc from "@grpc/grpc-js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { Properties } from "./types.ts";

/**
 * The resource exists, but is not what was asked for. The engine stores it with the outputs given here and the error,
 * and updates it on the next run, so that nothing that costs money is forgotten.
 */
export class PartialFailure extends Error {
  override name = "PartialFailure";
  readonly id: string;
  readonly outputs: Properties;

  constructor(message: string, id: string, outputs: Properties) {
    super(message);
    this.id = id;
    this.outputs = outputs;
  }
}

/** An error travels in a header, of which the engine takes 16 MiB after percent-encoding. */
const LONGEST = 4 * 1024 * 1024;

/** A text cut in its middle where it is too long to be sent. */
function sendable(text: string): string {
  if (text.length <= LONGEST) return text;
  const half = LONGEST / 2;
  const left = text.length - LONGEST;
  return `${text.slice(0, half)}\n… ${left} characters left out …\n${text.slice(-half)}`;
}

/** The words of an error for a person: the message, without a stack; of several errors, all of them. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const parts = error.errors.map(messageOf);
    return error.message ? [error.message, ...parts].join("\n") : parts.join("\n");
  }
  const message = error instanceof Error ? error.message || error.name : String(error);
  // A lone surrogate, as cut-off output may hold one, cannot be written to the wire.
  return sendable(message).toWellFormed();
}

/** The gRPC status the engine turns into one error on the resource. `encode` writes a partial failure's outputs. */
export function statusOf(
  error: unknown,
  encode: (outputs: Properties) => Record<string, unknown>,
): Partial<grpc.StatusObject> {
  const details = messageOf(error);
  if (!(error instanceof PartialFailure)) return { code: grpc.status.UNKNOWN, details };

  const failed = new providerProto.ErrorResourceInitFailed();
  failed.setId(error.id);
  failed.setReasonsList([details]);
  failed.setProperties(
    structProto.Struct.fromJavaScript(encode(error.outputs) as Record<string, structProto.JavaScriptValue>),
  );
  const any = new anyProto.Any();
  any.pack(failed.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusProto.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(details);
  status.addDetails(any);
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details, metadata };
}
