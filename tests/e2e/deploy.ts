/** A deployer in a process of its own, to be killed: target and release as JSON on stdin; says a line for each step. */
import { text } from "node:stream/consumers";
import { release } from "../../deployer/release/release.ts";
import { SshSession } from "../../deployer/ssh/session.ts";

const { target, release: wanted } = JSON.parse(await text(process.stdin));
const session = await SshSession.create(target);
try {
  await release(session, wanted, { status: (line) => void process.stdout.write(`${line}\n`) });
} finally {
  await session.close();
}
