import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const berth = new URL("../../../../../bin/berth", import.meta.url).pathname;

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-command-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** Put a program into the folder that stands first on PATH. */
async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
}

/** A pulumi whose stacks have these outputs and a state without resources; says what it was asked for in a file. */
const pulumi = (outputs: object) =>
  program(
    "pulumi",
    `echo "$*" >>"${folder}/asked"
case "$*" in
  "stack output"*) echo '${JSON.stringify(outputs)}' ;;
  "stack export"*) echo '{"deployment":{}}' ;;
  *) echo "error: no stack selected" >&2; exit 255 ;;
esac`,
  );

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(berth, args, {
    cwd: folder,
    env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}`, BERTH_STACK: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const said = { out: "", error: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.out += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.error += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code, ...said }));
  const address = async () => {
    await expect
      .poll(() => said.out, { message: said.error })
      .toMatch(/^http:\/\/127\.0\.0\.1:\d+\/open\/\S+\n$/);
    return said.out.trim();
  };
  return { child, said, ended, address };
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "it prints the address alone on stdout, and %s ends it with its connections",
  async (signal) => {
    await pulumi({ hosts: {} });
    const { child, said, address, ended } = start(["-s", "prod", "status", "--web"]);
    const url = await address();
    const answer = await fetch(url);
    const [cookie = ""] = answer.headers.getSetCookie();
    const [, place] = /url=([^"]+)"/.exec(await answer.text()) ?? [];
    const headers = { cookie: cookie.split(";")[0] ?? "" };
    const live = await fetch(new URL(`${place}live`, url), { headers });
    const rest = live.text().then(
      () => "over",
      () => "cut off",
    );
    expect(live.status).toBe(200);
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, out: `${url}\n` });
    expect(["over", "cut off"]).toContain(await rest);
    expect(said.error).toContain("the page of stack prod is at this address until Ctrl-C");
  },
);

test("a stack whose first update has not ended has a page already", async () => {
  await pulumi({});
  const { address } = start(["status", "--web"], { BERTH_STACK: "dev" });
  expect((await fetch(await address())).status).toBe(200);
});

test.each<[string, string[], RegExp]>([
  ["--json", ["--web", "--json"], /'--json' cannot be used with option '--web'/],
  ["a port, and --json", ["--port", "8080", "--json"], /'--json' cannot be used with option '--/],
  ["no port", ["--web", "--port", "0"], /A port is a number from 1 to 65535/],
  ["a pace that is a load", ["--web", "--every", "1"], /It is a number of seconds from 5 to 3600/],
  ["a host that there is not", ["web9", "--web"], /find the host "web9": stack prod has no such host/],
])("%s is refused", async (_, args, told) => {
  await pulumi({ hosts: {} });
  const { code, out, error } = await start(["-s", "prod", "status", ...args]).ended;
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(error).toMatch(told);
});

test("outside of a project it says where to go", async () => {
  await program("pulumi", `echo "error: no Pulumi.yaml project file found" >&2; exit 255`);
  const { code, error } = await start(["-s", "prod", "status", "--web"]).ended;
  expect(code).toBe(1);
  expect(error).toContain("Next: run berth in the project's folder, where Pulumi.yaml is");
});

test("a port that is taken is told in words, and not by a stack of calls", async () => {
  await pulumi({ hosts: {} });
  await using other = createServer();
  await once(other.listen(0, "127.0.0.1"), "listening");
  const { port } = other.address() as { port: number };
  const { code, error } = await start(["-s", "prod", "status", "--port", String(port)]).ended;
  expect(code).toBe(1);
  expect(error).toBe(
    `berth: listen on 127.0.0.1 port ${port}: another program listens there. Next: name another with --port, or none for one that is free.\n`,
  );
});

test("--open has the desktop open a file of this user's: every user sees a program's arguments", async () => {
  await pulumi({ hosts: {} });
  for (const name of ["xdg-open", "open"])
    await program(
      name,
      `echo "$@" >"${folder}/opened"; stat -c %a "$(dirname "$1")" >>"${folder}/opened"; cat "$1" >>"${folder}/opened"`,
    );
  const { address } = start(["-s", "prod", "status", "--open"]);
  const url = await address();
  const opened = () => readFile(join(folder, "opened"), "utf8").catch(() => "");
  await expect.poll(opened).toContain(`url=${url}`);
  const [args, mode] = (await opened()).split("\n");
  expect(args).not.toContain("http");
  expect(mode).toBe("700");
});

test("a desktop that opens nothing is told, and the page is there", async () => {
  await pulumi({ hosts: {} });
  for (const name of ["xdg-open", "open"]) await program(name, "exit 3");
  const { address, said } = start(["-s", "prod", "status", "--open"]);
  expect((await fetch(await address())).status).toBe(200);
  await expect.poll(() => said.error).toContain("no browser was opened");
});
