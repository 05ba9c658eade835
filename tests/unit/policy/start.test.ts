import { once } from "node:events";
import { createInterface } from "node:readline";
import { credentials } from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import type { AnalyzerInfo } from "@pulumi/pulumi/proto/analyzer_pb.js";
import { execa } from "execa";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { expect, test } from "vitest";
import { checkout } from "../../../lab/setup/places.mjs";
import { settings } from "../../../policy/settings.ts";

test("the SDK's starter runs the folder as a language host asks it to, and the pack tells its rules", async () => {
  const starter = `${checkout}/node_modules/@pulumi/pulumi/cmd/run-policy-pack`;
  const folder = `${checkout}/policy`;
  const child = execa(process.execPath, [starter, "127.0.0.1:1", folder], {
    cwd: folder,
    reject: false,
    timeout: 50_000,
  });
  const lines = createInterface(child.stdout);
  try {
    const [port] = (await Promise.race([
      once(lines, "line"),
      child.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`))),
    ])) as [string];
    const client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const info = await new Promise<AnalyzerInfo>((resolve, reject) =>
      client.getAnalyzerInfo(new Empty(), (error, answer) => (error ? reject(error) : resolve(answer))),
    );
    client.close();
    expect(info.getName()).toBe("berth");
    expect(
      info
        .getPoliciesList()
        .map((policy) => policy.getName())
        .toSorted(),
    ).toEqual(Object.keys(settings).toSorted());
  } finally {
    lines.close();
    child.kill();
    await child;
  }
});
