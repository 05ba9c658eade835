import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { secretName } from "../../config/secrets.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { run } from "../../deployer/process.ts";
import { remote } from "../../deployer/remote/scripts.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import { asJson } from "../as-json.ts";
import { inTerminal } from "../in-terminal.ts";
import { print, say } from "../say.ts";
import { readStack, type StackView, targetOf } from "../stack.ts";
import { readStackConfig } from "../stack-config.ts";
import { nameOfStack } from "../stack-name.ts";
import { table } from "../table.ts";
import type { Verbs } from "../verbs.ts";
import { compareSecrets, isWrong, type OnHost, type SecretItem } from "./compare.ts";
import { usesOf } from "./uses.ts";

export function addSecrets(program: Command, { selected, end }: Verbs): void {
  const secrets = program
    .command("secrets")
    .description(
      "every secret by name: where it goes, and whether the host has what the stack has. Ends with 1 when one differs. Never shows a value",
    )
    .option("--json", "as JSON")
    .action(async (options: { json?: true }) => end(await listSecrets(selected(), options)));
  secrets
    .command("set <name>")
    .description("set a secret of the stack; asks for it unless --stdin")
    .option("--stdin", "take it from stdin, without the line break at its end")
    .action(async (name: string, options: { stdin?: true }) =>
      end(await setSecret(selected(), name, options)),
    );
}

/** Milliseconds a host has to say what lies there. */
const deadline = 20_000;

/**
 * Print every secret with where it goes and whether it is there.
 * @returns 0 when every host has what the stack has
 */
export async function listSecrets(
  given: string | undefined,
  { json = false }: { json?: boolean },
): Promise<number> {
  const stack = await nameOfStack(given);
  const config = await readStackConfig(stack, { showSecrets: true });
  const uses = usesOf(config);
  const hosts = new Set(uses.flatMap(({ credential }) => credential?.host ?? []));
  const view = hosts.size === 0 ? undefined : await viewOf(stack);
  const installed = [...hosts].filter((host) => view !== undefined && Object.hasOwn(view.hosts, host));
  const seen = await Promise.all(
    installed.map(async (host) => [host, await look(view as StackView, host)] as const),
  );
  for (const [, found] of seen) if ("error" in found) say(found.error);
  const items = compareSecrets(config.secrets, uses, Object.fromEntries(seen));
  const well = !items.some(isWrong);
  print(json ? asJson("secrets", stack, items, { well }) : secretsTable(items));
  return well ? 0 : 1;
}

/** Undefined for a stack that was never brought up. */
const viewOf = (stack: string): Promise<StackView | undefined> =>
  readStack(stack).catch((error: unknown) => {
    if (error instanceof Failure && error.cameBack === "it has none yet") return undefined;
    throw error;
  });

async function look(stack: StackView, host: string): Promise<OnHost> {
  const session = await SshSession.create(targetOf(stack, host));
  const salt = randomBytes(16).toString("hex");
  try {
    return { salt, ...(await remote(session, "credentials-read", { salt }, { deadline })) };
  } catch (error) {
    return { error: messageOf(error) };
  } finally {
    await session.close();
  }
}

/** For people. Pure. */
export function secretsTable(items: readonly SecretItem[]): string {
  if (items.length === 0) return "The stack has no secrets; berth secrets set NAME makes one.";
  const rows = items.map(({ secret, where, state }) => [secret ?? "", where, state]);
  const next = items.some(({ state }) => state === "changed" || state === "not there")
    ? "\nThe next pulumi up delivers what is changed or not there, and restarts what uses it."
    : "";
  return `${table(["secret", "where it goes", "there"], rows)}${next}`;
}

/** Milliseconds that pulumi has to write it: a cloud's key may have to encrypt it. */
const setDeadline = 60_000;

/**
 * Set a secret by pulumi's own command. The value travels on stdin, or is typed to pulumi.
 * @returns 0 when it is set
 */
export async function setSecret(
  given: string | undefined,
  name: string,
  { stdin = false }: { stdin?: boolean },
): Promise<number> {
  if (!secretName.safeParse(name).success)
    throw new Failure({
      tried: `set the secret ${JSON.stringify(name)}`,
      cameBack: "a secret is named by 1 to 64 letters, digits and inner - _, a letter first",
      next: "choose another name, such as db-url",
    });
  const stack = await nameOfStack(given);
  const args = ["config", "set", "--secret", "--path", `berth:secrets.${name}`, "-s", stack];
  if (stdin) await pipeTo(args, name, (await text(process.stdin)).replace(/\r?\n$/, ""));
  else if (!process.stdin.isTTY)
    throw new Failure({
      tried: `set the secret ${name}`,
      cameBack: "there is nobody to ask for it",
      next: `give it on stdin: berth secrets set ${name} --stdin`,
    });
  else {
    const exitCode = await inTerminal("pulumi", args);
    if (exitCode !== 0) return exitCode;
  }
  say(`${name} is set in stack ${stack}; ${await whereTo(stack, name)}`);
  return 0;
}

async function pipeTo(args: readonly string[], name: string, value: string): Promise<void> {
  const tried = `set the secret ${name}`;
  if (value === "")
    throw new Failure({ tried, cameBack: "stdin was empty", next: "give its content on stdin" });
  const { exitCode, stderr } = await run("pulumi", args, {
    // It takes one line break off.
    input: `${value}\n`,
    deadline: setDeadline,
  });
  if (exitCode === 0) return;
  throw new Failure({
    tried,
    cameBack: stderr.trim().replaceAll(value, "[secret]") || `pulumi ended with ${exitCode}`,
    next: "mend that; pulumi config set --secret says the same",
  });
}

async function whereTo(stack: string, name: string): Promise<string> {
  const uses = await readStackConfig(stack).then(usesOf, () => undefined);
  // What is wrong with the rest of the configuration is told by the update.
  if (uses === undefined) return "the next pulumi up brings it to what uses it";
  const places = uses.filter(({ secret }) => secret === name).map(({ where }) => where);
  return places.length === 0
    ? "nothing uses it yet: name it under berth:hosts.HOST.secrets, a container's or a Fly app's secrets"
    : `the next pulumi up brings it to ${places.join("; ")}`;
}
