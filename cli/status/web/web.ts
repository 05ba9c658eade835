import { readDeployments } from "../../deployments.ts";
import { print, say } from "../../say.ts";
import { hostOf, NothingYet, readStack, type StackView } from "../../stack.ts";
import { nameOfStack } from "../../stack-name.ts";
import { lookAtHost } from "../look.ts";
import { openInBrowser } from "./open.ts";
import { usualPace, type WebOptions } from "./pace.ts";
import { servePage } from "./serve.ts";
import type { StackState } from "./watch-hosts.ts";

/**
 * Serve a page that shows how the hosts are, until Ctrl-C.
 * @param given what -s names
 * @param host the only one to show; all of them when absent
 */
export async function statusPage(
  given: string | undefined,
  host: string | undefined,
  { port, every = usualPace, open = false }: WebOptions,
): Promise<void> {
  const stack = await nameOfStack(given);
  const read = async () => onlyHost(await readState(stack), host);
  const state = await read();
  const ending = new AbortController();
  const page = await servePage({
    stack,
    state,
    read,
    look: (view, name, known) => lookAtHost(view, name, known, ending.signal),
    folder: process.cwd(),
    port,
    every,
    ending,
  });
  print(page.url);
  say(`the page of stack ${stack} is at this address until Ctrl-C; whoever has it can see the page`);
  if (open) await openInBrowser(page.url, say);
  await endOfPatience();
  await page.close();
  // A check that is under way would hold the process until its deadline.
  process.exit(0);
}

/** What the stack's state tells; nothing before its first update has ended. */
async function readState(stack: string): Promise<StackState> {
  try {
    const [view, known] = await Promise.all([readStack(stack), readDeployments(stack)]);
    return { view, known };
  } catch (error) {
    if (error instanceof NothingYet) return { view: undefined, known: {} };
    throw error;
  }
}

function onlyHost(state: StackState, host: string | undefined): StackState {
  if (host === undefined || !state.view) return state;
  const view: StackView = { ...state.view, hosts: { [host]: hostOf(state.view, host) } };
  return { ...state, view };
}

const endOfPatience = (): Promise<void> =>
  new Promise((resolve) => {
    // Listened to until the end: where nobody else listens, what cleans up behind child processes ends this one by the signal.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
