import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";

export type Severity = "debug" | "info" | "warning" | "error";

/** The engine's log: lines that show beside a resource, or, without a URN, beside the stack. */
export interface EngineLog {
  log(urn: string, severity: Severity, message: string, ephemeral: boolean): void;
  /** Resolves when every line handed over so far has been taken by the engine, or after the given time. */
  flush(milliseconds: number): Promise<void>;
  close(): void;
}

const SEVERITIES = {
  debug: engineProto.LogSeverity.DEBUG,
  info: engineProto.LogSeverity.INFO,
  warning: engineProto.LogSeverity.WARNING,
  error: engineProto.LogSeverity.ERROR,
};

/** Connects to the engine at `address` ("127.0.0.1:port"). Lines it does not take are lost, never an error. */
export function engineLog(address: string): EngineLog {
  const client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
  });
  // One after the other: gRPC keeps no order between calls.
  let queue: Promise<void> = Promise.resolve();
  return {
    log(urn, severity, message, ephemeral) {
      const request = new engineProto.LogRequest();
      request.setUrn(urn);
      request.setSeverity(SEVERITIES[severity]);
      request.setMessage(message.toWellFormed());
      request.setEphemeral(ephemeral);
      const deadline = Date.now() + 10_000;
      queue = queue.then(
        () =>
          new Promise(
            (resolve) => void client.log(request, new grpc.Metadata(), { deadline }, () => resolve()),
          ),
      );
    },
    async flush(milliseconds) {
      const timer = Promise.withResolvers<void>();
      const timeout = setTimeout(timer.resolve, milliseconds);
      await Promise.race([queue, timer.promise]);
      clearTimeout(timeout);
    },
    close: () => client.close(),
  };
}

/** A log for a plugin without an engine: nothing is shown. */
export const silentLog: EngineLog = { log: () => {}, flush: async () => {}, close: () => {} };
