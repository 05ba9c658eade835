import { text } from "node:stream/consumers";
import { Failure, messageOf } from "./failure.ts";
import { installDocument } from "./install/document.ts";
import { install } from "./install/install.ts";
import { InstallLog } from "./install/log.ts";
import { runSupervised } from "./supervise.ts";

/**
 * The command that Pulumi runs: `main.ts install`, its document on stdin.
 * Exit codes: 0 done, 1 failed (the reason is on stderr), 64 wrong use.
 */
async function main(verb: string | undefined): Promise<number> {
  if (verb !== "install") {
    process.stderr.write(`berth: ${verb ?? "no verb"}: the only verb is "install"\n`);
    return 64;
  }
  const parsed = installDocument.safeParse(JSON.parse(await text(process.stdin)));
  if (!parsed.success) {
    process.stderr.write(
      `berth: the install document has another shape: ${parsed.error.issues.map((issue) => issue.path.join(".")).join(", ")}\n`,
    );
    return 64;
  }
  const document = parsed.data;
  const { stack, host } = document.target;
  const log = new InstallLog(`.berth/logs/install-${stack}-${host}.log`);
  try {
    await install(document, log);
    return 0;
  } catch (error) {
    const message = error instanceof Failure ? error.message : `${host}: install: ${messageOf(error)}`;
    log.keep(message);
    process.stderr.write(`${message}\n`);
    return 1;
  } finally {
    log.close();
  }
}

process.exitCode = await runSupervised(() => main(process.argv[2]));
