/**
 * The one part of Berth's lab that runs as root. `root.mjs serve SOCKET UID:GID` answers requests of that user until its stdin closes;
 * `root.mjs VERB ARGS` does one thing for the user sudo was called by. What it can do is in root-verbs.mjs.
 */
import { chown, rm, rmdir } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { readLines } from "./lines.mjs";
import { parseRootRequest } from "./root-verbs.mjs";
import { perform } from "./root-work.mjs";
import { messageOf, runMain, Trouble } from "./trouble.mjs";

/** Settings of the user's network that root needs too. sudo drops them, so they come over stdin. */
const NETWORK = /^((https?|no)_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i;

/**
 * @param {string} socket
 * @param {{ uid: number, gid: number }} owner
 */
async function serve(socket, owner) {
  // Ctrl-C reaches every process of the terminal; this one ends with the process that asked for it.
  process.on("SIGINT", () => {});
  const ended = new AbortController();
  const lines = readLines(process.stdin);
  lines.on("close", () => ended.abort());
  await new Promise((resolve) => lines.once("line", (line) => resolve(adoptNetwork(line))));
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    const reply = (/** @type {object} */ message) => {
      if (connection.writable) connection.write(`${JSON.stringify(message)}\n`);
    };
    connection.on("error", () => {});
    readLines(connection).once("line", async (line) => {
      try {
        const request = parseRootRequest(JSON.parse(line));
        await perform(request, owner, { onLine: (doing) => reply({ doing }), signal: ended.signal });
        reply({ done: true });
      } catch (error) {
        reply({ trouble: messageOf(error) });
      }
      connection.end();
    });
  });
  process.umask(0o177);
  await new Promise((resolve, reject) =>
    server.once("error", reject).listen(socket, () => resolve(undefined)),
  );
  process.umask(0o022);
  await chown(socket, owner.uid, owner.gid);
  process.stdout.write("ready\n");
  await new Promise((resolve) => ended.signal.addEventListener("abort", resolve, { once: true }));
  server.close();
  // The one who asked may be dead by now, so its folder is removed here.
  await rm(socket, { force: true });
  if (/\/berth-root-\w+\/socket$/.test(socket)) await rmdir(dirname(socket)).catch(() => {});
}

/** @param {string} line JSON object of environment variables */
function adoptNetwork(line) {
  for (const [name, value] of Object.entries(JSON.parse(line))) {
    if (NETWORK.test(name) && typeof value === "string") process.env[name] = value;
  }
}

/** @param {string} text "1000:1000" */
function parseOwner(text) {
  const found = /^(\d+):(\d+)$/.exec(text);
  if (!found) throw new Trouble(`"${text}" is not UID:GID`);
  return { uid: Number(found[1]), gid: Number(found[2]) };
}

await runMain("root helper", async () => {
  if (process.getuid?.() !== 0) throw new Trouble("has to run as root; npm start asks for it");
  const argv = process.argv.slice(2);
  if (argv[0] === "serve") {
    await serve(argv[1] ?? "", parseOwner(argv[2] ?? ""));
    return 0;
  }
  const owner = parseOwner(`${process.env.SUDO_UID ?? 0}:${process.env.SUDO_GID ?? 0}`);
  const onLine = (/** @type {string} */ line) => void process.stderr.write(`${line}\n`);
  await perform(parseRootRequest(argv), owner, { onLine, signal: new AbortController().signal });
  return 0;
});
