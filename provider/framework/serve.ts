import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { Calls } from "./calls.ts";
import { type EngineLog, engineLog, silentLog } from "./engine.ts";
import { messageOf } from "./errors.ts";
import { providerService } from "./server.ts";
import type { ProviderDefinition } from "./types.ts";

/** How long calls and `close` may take after the engine has asked the plugin to end; it kills after 5 s. */
const SHUTDOWN_MS = 4_000;
const PARENT_CHECK_MS = 2_000;

/**
 * Serves a provider to the engine that started this process: the engine's address is the last argument, the port goes
 * to stdout, which holds nothing else. Ends on SIGINT and SIGTERM, and when the engine is gone.
 */
export async function serve(definition: ProviderDefinition): Promise<void> {
  keepStdoutForThePort();
  const plugin = `pulumi-resource-${definition.name}`;
  process.on("uncaughtException", (error) => die(plugin, error));
  process.on("unhandledRejection", (reason) => die(plugin, reason));

  const address = process.argv.slice(2).at(-1);
  let log: EngineLog = address && !address.startsWith("-") ? engineLog(address) : silentLog;
  const calls = new Calls(() => log);
  const close = closeOnce(definition, calls, plugin);

  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(
    providerGrpc.ResourceProviderService,
    providerService(definition, {
      calls,
      attach(engine) {
        log.close();
        log = engineLog(engine);
      },
      cancelled() {
        calls.cancel("cancelled");
        void close();
      },
    }),
  );

  const end = (because: string): void => {
    calls.cancel(because);
    setTimeout(() => process.exit(0), SHUTDOWN_MS).unref();
    void close().then(() => process.exit(0));
  };
  process.on("SIGINT", () => end("the engine ended the provider"));
  process.on("SIGTERM", () => end("the engine ended the provider"));
  endWithParent(() => end("the engine is gone"));

  const port = await listen(server);
  process.stdout.write(`${port}\n`);
}

function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/** Calls the definition's `close` once, after the last call has ended. */
function closeOnce(definition: ProviderDefinition, calls: Calls, plugin: string): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const run = async () => {
    await calls.idle();
    try {
      await definition.close?.();
    } catch (error) {
      console.error(`${plugin}: while closing: ${messageOf(error)}`);
    }
  };
  return () => {
    closing ??= run();
    return closing;
  };
}

/** The engine reads the port from stdout and takes any other line there for a fault. */
function keepStdoutForThePort(): void {
  for (const method of ["log", "info", "debug"] as const)
    console[method] = (...line) => console.error(...line);
}

/** An engine that was killed cannot tell its plugins. */
function endWithParent(end: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, PARENT_CHECK_MS);
  timer.unref();
}

function die(plugin: string, error: unknown): never {
  const line = messageOf(error).replaceAll("\n", " ");
  process.stderr.write(`${plugin}: ended by an error nobody handled: ${line}\n`);
  process.exit(1);
}
