/** A program for the test beside it: work of several kinds, supervised. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { runSupervised } from "../../../deployer/supervise.ts";

const how = process.argv[2] ?? "";

/** Keep a file beside the others of this run, start a process that ignores what it can, and tell both process ids and the file. */
function startChild(): void {
  const child = spawn("sh", ["-c", "trap '' TERM INT HUP; sleep 60 & wait; sleep 60"], { stdio: "ignore" });
  child.unref();
  const file = join(tmpdir(), "key");
  writeFileSync(file, "secret", { mode: 0o600 });
  process.stdout.write(`${process.pid}\n${child.pid}\n${file}\n`);
}

async function work(): Promise<number> {
  switch (how) {
    case "echo":
      process.stdout.write(await text(process.stdin));
      return 0;
    case "throw":
      throw new Error("lost the thread");
    case "forget":
      setInterval(() => undefined, 1_000);
      return 7;
    case "leave":
      startChild();
      return 5;
    case "wait":
      startChild();
      setInterval(() => undefined, 1_000);
      return new Promise<number>(() => undefined);
    default:
      return Number(how);
  }
}

process.exitCode = await runSupervised(work);
