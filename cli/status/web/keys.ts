import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, lstat, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure, messageOf } from "../../../deployer/failure.ts";

/** What lets somebody see a stack's page. All of it is secret. */
export interface Keys {
  /** In the address that is printed. */
  token: string;
  /** What the token is exchanged for. */
  cookie: string;
  /** The path that the page is under. Browsers send a cookie to every port of an address, and only below its path. */
  place: string;
}

/** Different for each stack, and not to be told from each other. Pure. */
export function keysOf(secret: Uint8Array, stack: string): Keys {
  const part = (name: string) => createHmac("sha256", secret).update(`${name}\n${stack}`).digest("base64url");
  return { token: part("token"), cookie: part("cookie"), place: part("place").slice(0, 22) };
}

/** Compares in a time that tells nothing. */
export function isSame(given: string | undefined, wanted: string): boolean {
  const [left, right] = [Buffer.from(given ?? ""), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}

const length = 32;
/** Milliseconds. */
const day = 86_400_000;

/**
 * The secret that all keys are made of, kept in a file for a day, so that a page that is open goes on when the command is started again.
 * One that anybody else could have read or written is not used.
 */
export async function keptSecret(file: string): Promise<Uint8Array> {
  const kept = await readKept(file);
  if (kept) return kept;
  const made = randomBytes(length);
  const beside = `${file}.${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(beside, made, { mode: 0o600, flush: true });
    await chmod(beside, 0o600);
    await rename(beside, file);
  } catch (error) {
    throw new Failure({
      tried: `write ${file}, the key of the page`,
      cameBack: messageOf(error),
      next: "make its folder one that you may write to",
    });
  }
  return made;
}

async function readKept(file: string): Promise<Uint8Array | undefined> {
  const found = await lstat(file).catch(() => undefined);
  if (!found?.isFile() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) return undefined;
  if (Date.now() - found.mtimeMs > day) return undefined;
  const content = await readFile(file).catch(() => undefined);
  return content?.length === length ? content : undefined;
}
