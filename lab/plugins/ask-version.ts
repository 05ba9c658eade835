import { spawn } from "node:child_process";
import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";

const DEADLINE_MS = 10_000;

/** Starts a provider plugin and asks for its version; undefined when it does not answer within ten seconds. */
export async function askVersion(plugin: string): Promise<string | undefined> {
  const child = spawn(plugin, [], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    return await ask(await port(child), Date.now() + DEADLINE_MS);
  } catch {
    return undefined;
  } finally {
    child.kill();
  }
}

function port(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = "";
    const timer = setTimeout(() => reject(new Error("no port")), DEADLINE_MS);
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      const line = /^(\d+)\s*\n/.exec(seen)?.[1];
      if (line) resolve(line);
      if (line) clearTimeout(timer);
    });
    child.on("error", reject);
    child.on("exit", () => {
      clearTimeout(timer);
      reject(new Error("ended before it named its port"));
    });
  });
}

function ask(port: string, deadline: number): Promise<string> {
  const client = new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${port}`,
    grpc.credentials.createInsecure(),
  );
  return new Promise<string>((resolve, reject) => {
    client.getPluginInfo(new emptyProto.Empty(), new grpc.Metadata(), { deadline }, (error, info) =>
      error ? reject(error) : resolve(info.getVersion().replace(/^v/, "")),
    );
  }).finally(() => client.close());
}
