import { say } from "./say.ts";

const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Do what is ended in order when somebody interrupts this process: `signal` aborts then. Whoever says so twice ends it at once. */
export async function interruptible<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  const forget = () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
  const interrupt = () => {
    forget();
    say("interrupted: what is on trial is returned from; once more ends this at once");
    interruption.abort(new Error("it was interrupted"));
  };
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work(interruption.signal);
  } finally {
    forget();
  }
}
