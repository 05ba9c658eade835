import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { type InstallDocument, installDocument } from "../../deployer/install/document.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import type { Engine, StackOutputs } from "../../lab/journey/pulumi.ts";

interface StackFile {
  config: Record<string, unknown> & { "berth:hosts": Record<string, unknown> };
}

/** Give the lab's stack a second host like its first. */
export async function addSecondHost(file: string): Promise<void> {
  const stack = parse(await readFile(file, "utf8")) as StackFile;
  stack.config["berth:hosts"].web2 = structuredClone(stack.config["berth:hosts"].web1);
  await writeFile(file, stringify(stack));
}

/** A session with a host of the stack, as the deployer opens it. Close it. */
export function sessionWith(
  outputs: StackOutputs,
  host: string,
  hostKey = outputs.hosts[host]?.hostKey,
): Promise<SshSession> {
  const address = outputs.hosts[host]?.address;
  if (address === undefined || hostKey === undefined) throw new Error(`the stack has no host ${host}`);
  return SshSession.create({
    stack: "lab",
    host,
    address,
    port: 22,
    user: "root",
    hostKeys: [hostKey],
    loginKey: outputs.loginKey,
  });
}

const exported = z.object({
  deployment: z.object({
    resources: z.array(z.object({ urn: z.string(), inputs: z.record(z.string(), z.unknown()).optional() })),
  }),
});

/** The document that a host was installed with, as it stands in the stack's state. */
export async function installDocumentOf(engine: Engine, host: string): Promise<InstallDocument> {
  const run = await engine.run(["stack", "export", "--show-secrets"]);
  const { resources } = exported.parse(JSON.parse(run.output)).deployment;
  const command = resources.find(({ urn }) => urn.endsWith(`::${host}-installation-install`));
  const secret = z.object({ plaintext: z.string() }).parse(command?.inputs?.stdin);
  return installDocument.parse(JSON.parse(JSON.parse(secret.plaintext)));
}
