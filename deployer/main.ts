import { text } from "node:stream/consumers";
import { Failure, messageOf } from "./failure.ts";
import { installDocument } from "./install/document.ts";
import { install } from "./install/install.ts";
import { InstallLog } from "./install/log.ts";
import { jsonOrUndefined } from "./json.ts";
import { toldFailure } from "./runs/learnt.ts";
import { keepOutOfRecords, RunRecord, recordVariable } from "./runs/record.ts";
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
  const parsed = installDocument.safeParse(jsonOrUndefined(await text(process.stdin)));
  if (!parsed.success) {
    // Paths alone: the values are secrets.
    const where = parsed.error.issues.map((issue) => issue.path.join(".") || "the whole of it");
    process.stderr.write(`berth: the install document on stdin has another shape: ${where.join(", ")}\n`);
    return 64;
  }
  const document = parsed.data;
  const { stack, host } = document.target;
  keepOutOfRecords([
    ...[document.ageKey, document.target.loginKey, document.lastingHostKey.privateKey],
    ...[document.hetzner?.token, document.encryption?.passphrase],
    document.encryption?.unlock.hostKey.privateKey,
  ]);
  const file = process.env[recordVariable];
  const record = file === undefined ? undefined : new RunRecord(file);
  const log = new InstallLog(`.berth/logs/install-${stack}-${host}.log`, (step) =>
    record?.add({ event: "installing", host, step }),
  );
  try {
    await install(document, log);
    record?.add({ event: "installed", host });
    return 0;
  } catch (error) {
    record?.add({ event: "installed", host, failure: toldFailure(error) });
    const message = error instanceof Failure ? error.message : `${host}: install: ${messageOf(error)}`;
    log.keep(message);
    process.stderr.write(`${message}\n`);
    return 1;
  } finally {
    log.close();
  }
}

process.exitCode = await runSupervised(() => main(process.argv[2]));
