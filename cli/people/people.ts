import type { Command } from "commander";
import { messageOf } from "../../deployer/failure.ts";
import { type KeyPlan, planKeys, readKey } from "../../deployer/people/keys.ts";
import { writeRootKeys } from "../../deployer/people/write.ts";
import { type Answer, remote } from "../../deployer/remote/scripts.ts";
import { byName } from "../../deployer/runs/summary.ts";
import { fingerprint } from "../../deployer/ssh/fingerprint.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import { asJson } from "../as-json.ts";
import { pulumi } from "../pulumi.ts";
import { print, say } from "../say.ts";
import { hostOf, type StackView, targetOf } from "../stack.ts";
import { readStackConfig } from "../stack-config.ts";
import { table } from "../table.ts";
import type { Verbs } from "../verbs.ts";
import { comparePeople, differs, type Meant, otherWays, type PersonItem } from "./compare.ts";
import { installedKeys } from "./installed.ts";

export interface PeopleOptions {
  /** Bring the people of the stack file to hosts that are installed. */
  sync?: boolean;
  json?: boolean;
}

export function addPeople(program: Command, { stack, end }: Verbs): void {
  program
    .command("people [host]")
    .description(
      "who can log in to each host, where each key is from, and what differs from access.people. Ends with 1 when something does",
    )
    .option("--sync", "bring the people of the stack file to the hosts, and take away those who left it")
    .option("--json", "as JSON")
    .action(async (host: string | undefined, options: PeopleOptions) =>
      end(await people(await stack(), host, options)),
    );
}

/** Milliseconds a host has to say who may log in. */
const deadline = 20_000;

/**
 * Print who can log in to a host, or to all of them; with `sync` after its people were brought there.
 * @returns 0 when nobody is missing, and nobody lets in who is not meant to
 */
export async function people(
  stack: StackView,
  name: string | undefined,
  { sync = false, json = false }: PeopleOptions,
): Promise<number> {
  const names = name === undefined ? Object.keys(stack.hosts).toSorted(byName) : [name];
  for (const one of names) hostOf(stack, one);
  const { access } = await readStackConfig(stack.name);
  const installed = installedKeys(await pulumi(["stack", "export", "--show-secrets"], stack.name));
  const results = await Promise.all(
    names.map((host) =>
      ofHost(stack, host, sync, {
        loginKey: stack.loginPublicKey,
        people: access.people,
        installed: installed[host] ?? [],
      }),
    ),
  );
  const items = results.flatMap((result) => result.items);
  const well = results.every((result) => result.well);
  print(json ? asJson("people", stack.name, items, { well }) : peopleTable(items));
  if (!json && !sync && items.some(({ from }) => from !== "not reached") && items.some(differs))
    say("berth people --sync brings access.people to the hosts; what is not the stack's is for a person");
  return well ? 0 : 1;
}

async function ofHost(
  stack: StackView,
  host: string,
  sync: boolean,
  meant: Meant,
): Promise<{ items: PersonItem[]; well: boolean }> {
  const session = await SshSession.create(targetOf(stack, host));
  try {
    const look = () => remote(session, "people", {}, { deadline });
    let seen = await look();
    const done = !sync || (await bring(session, seen, { stack: stack.name, ...meant }));
    if (sync) seen = await look();
    const ways = otherWays(seen);
    for (const way of ways) say(`${host}: ${way}`);
    if (sync && hostOf(stack, host).unlock)
      say(`${host}: who may unlock its disk is as it was until its next release`);
    const items = comparePeople(host, seen, meant);
    return { items, well: done && ways.length === 0 && !items.some(differs) };
  } catch (error) {
    say(messageOf(error));
    const unknown = { host, user: "", who: "", fingerprint: "", from: "not reached", there: false } as const;
    return { items: [unknown], well: false };
  } finally {
    await session.close();
  }
}

/** Whether root's keys are those that the stack means. */
async function bring(
  session: SshSession,
  { root }: Answer<"people">,
  meant: Meant & { stack: string },
): Promise<boolean> {
  const { host } = session.target;
  const plan: KeyPlan =
    root.text === null
      ? { refused: `/root/.ssh/authorized_keys ${root.because}` }
      : planKeys(root.text, meant);
  if ("refused" in plan) {
    say(`${host}: nothing is written: ${plan.refused}`);
    return false;
  }
  const { added, removed, text } = plan;
  if (added.length === 0 && removed.length === 0) {
    say(`${host}: nothing to do`);
    return true;
  }
  await writeRootKeys(session, root.digest, text);
  for (const line of added)
    say(`${host}: added ${fingerprint(line)} ${readKey(line)?.comment ?? ""}`.trimEnd());
  for (const key of removed) say(`${host}: removed ${fingerprint(key)}`);
  return true;
}

/** For people. Pure. */
export const peopleTable = (items: readonly PersonItem[]): string =>
  table(
    ["host", "account", "who", "key", "from", "there"],
    items.map(({ host, user, who, fingerprint: print, from, there }) => [
      host,
      user,
      who,
      print,
      from,
      from === "not reached" ? "?" : there ? "yes" : "missing",
    ]),
  );
