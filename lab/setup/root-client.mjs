import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLines } from "./lines.mjs";
import { checkout } from "./places.mjs";
import { remove } from "./stow.mjs";
import { Trouble } from "./trouble.mjs";

/** Names the socket of a root helper that an outer process has started. */
export const HELPER = "BERTH_ROOT_HELPER";

/**
 * A root helper at work.
 * @typedef {object} Root
 * @property {string} socket
 * @property {(verb: string, args: readonly string[], onLine?: (line: string) => void) => Promise<void>} ask
 * @property {() => Promise<void>} close
 */

/**
 * The root helper: the one that runs already, else one started now, by sudo when not root.
 * @param {readonly string[]} reasons what it will be asked to do, told before sudo asks for a password
 * @param {(line: string) => void} say
 * @returns {Promise<Root>}
 */
export async function openRoot(reasons, say) {
  const running = process.env[HELPER];
  if (running && (await listens(running)))
    return { socket: running, ask: asker(running), close: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), "berth-root-"));
  const socket = join(folder, "socket");
  const uid = process.getuid?.() ?? 0;
  const helper = [
    process.execPath,
    join(checkout, "lab/setup/root.mjs"),
    "serve",
    socket,
    `${uid}:${process.getgid?.() ?? 0}`,
  ];
  const command = uid === 0 ? helper : ["sudo", ...(process.stdin.isTTY ? [] : ["-n"]), "--", ...helper];
  if (uid !== 0) say(`root is needed to ${reasons.join("; to ")}`);
  const child = spawn(command[0] ?? "", command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  child.stdin.write(`${JSON.stringify(networkSettings())}\n`);
  const ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  const ready = new Promise((resolve) => readLines(child.stdout).once("line", () => resolve(true)));
  if ((await Promise.race([ready, ended])) !== true) {
    await remove(folder);
    throw new Trouble(
      "root was not granted. Next: run it as root, or on a terminal where sudo can ask for a password",
    );
  }
  // It must not keep this process from ending; it ends when this process's end of its stdin does.
  child.unref();
  for (const stream of [child.stdin, child.stdout])
    if ("unref" in stream && typeof stream.unref === "function") stream.unref();
  return {
    socket,
    ask: asker(socket),
    close: async () => {
      child.ref();
      child.stdin.end();
      await ended;
      await remove(folder);
    },
  };
}

/** @param {string} socket @returns {Root["ask"]} */
function asker(socket) {
  return (verb, args, onLine) =>
    new Promise((resolve, reject) => {
      const connection = connect(socket);
      let settled = false;
      const settle = (/** @type {() => void} */ how) => {
        settled = true;
        connection.destroy();
        how();
      };
      connection.on("error", (error) =>
        settle(() => reject(new Trouble(`the root helper does not answer: ${error.message}`))),
      );
      connection.on("close", () => {
        if (!settled) reject(new Trouble("the root helper ended while it was at work"));
      });
      connection.write(`${JSON.stringify([verb, ...args])}\n`);
      readLines(connection).on("line", (line) => {
        const message = JSON.parse(line);
        if (message.doing) onLine?.(message.doing);
        else if (message.done) settle(() => resolve(undefined));
        else settle(() => reject(new Trouble(message.trouble)));
      });
    });
}

function networkSettings() {
  const wanted = /^((https?|no)_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}

/**
 * Whether a process listens on a unix socket.
 * @param {string} socket
 * @returns {Promise<boolean>}
 */
export function listens(socket) {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });
}
