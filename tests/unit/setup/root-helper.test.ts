import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { readLines } from "../../../lab/setup/lines.mjs";
import { checkout } from "../../../lab/setup/places.mjs";
import { remove } from "../../../lab/setup/stow.mjs";

test("lines are read to the end of a stream that fails, and its failure is no one else's", async () => {
  const stream = new PassThrough();
  stream.on("error", () => {});
  const lines: string[] = [];
  readLines(stream).on("line", (line) => lines.push(line));
  stream.write("one\ntwo\n");
  await new Promise(setImmediate);
  stream.destroy(new Error("reset by peer"));
  await new Promise(setImmediate);
  expect(lines).toEqual(["one", "two"]);
});

/** What a request is answered by the helper at a socket. */
async function answer(socket: string, request: string): Promise<string> {
  const connection = connect(socket);
  connection.write(`${request}\n`);
  let text = "";
  for await (const chunk of connection) text += chunk;
  return text;
}

test.skipIf(process.getuid?.() !== 0)(
  "the root helper outlives a client that leaves before its answer",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-test-"));
    const socket = join(folder, "socket");
    const helper = spawn(process.execPath, [join(checkout, "lab/setup/root.mjs"), "serve", socket, "0:0"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(async () => {
      helper.stdin.end();
      await once(helper, "exit");
      await remove(folder);
    });
    helper.stdin.write("{}\n");
    await once(helper.stdout, "data");

    for (let i = 0; i < 5; i++) {
      const connection = connect(socket);
      await once(connection, "connect");
      connection.write('["nonsense"]\n');
      connection.destroySoon();
      await once(connection, "close");
    }
    expect(await answer(socket, '["nonsense"]')).toContain("is none of");
  },
);
