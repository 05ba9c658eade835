/** A deployer to be killed: target and release as JSON on stdin. */
import { text } from "node:stream/consumers";
import { release } from "../../deployer/release/release.ts";
import { SshSession } from "../../deployer/ssh/session.ts";

const { target, release: wanted } = JSON.parse(await text(process.stdin));
await release(await SshSession.create(target), wanted, { status: () => undefined });
