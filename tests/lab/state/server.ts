import { existsSync } from "node:fs";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { execa, type Options } from "execa";

/**
 * The folder with PostgreSQL's programs that BERTH_POSTGRES names, e.g. "/usr/lib/postgresql/17/bin"; undefined where it names none. To
 * install Debian's package is to run its server, which no test run does by itself.
 */
export function postgresPrograms(): string | undefined {
  const folder = process.env.BERTH_POSTGRES;
  if (folder === undefined) return undefined;
  if (!existsSync(join(folder, "initdb"))) throw new Error(`BERTH_POSTGRES: ${folder} has no initdb`);
  return folder;
}

/** A server on loopback with one database and one role, which asks for its password. */
export interface PostgresServer extends AsyncDisposable {
  /** Without the password. */
  url: string;
  /** Runs SQL as the superuser, in the database `postgres` when none is named; rows as lines of text. */
  sql(query: string, database?: string): Promise<string>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** PostgreSQL does not run as root. */
const nobody = { uid: 65_534, gid: 65_534 };

/**
 * @param programs where its programs are
 * @param folder where its files go; it is there
 */
export async function startPostgres(
  programs: string,
  folder: string,
  password: string,
): Promise<PostgresServer> {
  const asRoot = process.getuid?.() === 0;
  const data = join(folder, "data");
  const passwordFile = join(folder, "superuser-password");
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (asRoot) {
    await chmod(folder, 0o711);
    for (const path of [data, passwordFile]) await chown(path, nobody.uid, nobody.gid);
  }
  const options: Options = { cwd: "/", timeout: 120_000, ...(asRoot && nobody) };
  const run = (program: string, ...args: string[]) => execa(join(programs, program), args, options);
  await run(
    "initdb",
    "-D",
    data,
    "-U",
    "admin",
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--no-sync",
  );
  const port = await freePort();
  const serverOptions = `-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c port=${port} -c fsync=off`;
  await run("pg_ctl", "-D", data, "-l", join(data, "log"), "-w", "-t", "100", "-o", serverOptions, "start");
  const sql = async (query: string, database = "postgres") => {
    const { stdout } = await execa(
      join(programs, "psql"),
      ["-h", "127.0.0.1", "-p", String(port), "-U", "admin", "-d", database, "-Atc", query],
      { ...options, env: { PGPASSWORD: password } },
    );
    return String(stdout);
  };
  await sql(`CREATE ROLE berth LOGIN PASSWORD '${password}'`);
  await sql("CREATE DATABASE pulumi OWNER berth");
  return {
    url: `postgres://berth@127.0.0.1:${port}/pulumi?sslmode=disable`,
    sql,
    [Symbol.asyncDispose]: async () => {
      await run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop");
    },
  };
}
