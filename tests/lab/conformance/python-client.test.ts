import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { cacheFolder } from "../../../lab/setup/places.mjs";
import { clientVersion, PYTHON, pythonClientFolder } from "../../../lab/setup/steps/python-client.mjs";
import { isStowed } from "../../../lab/setup/stow.mjs";
import { listeningCloud, token } from "../cloud/client.ts";
import { writeKeys } from "./keys.ts";
import { hand } from "./routes.ts";

const installed = pythonClientFolder(cacheFolder());
const absent = (await isStowed(installed))
  ? ""
  : `hcloud ${clientVersion()} is not in ${installed}: set-up could not fetch it from the Python package index`;

const scripts = join(import.meta.dirname, "python-client");
const groups = readdirSync(scripts)
  .filter((name) => name.endsWith(".py") && !["common.py", "run.py"].includes(name))
  .map((name) => name.slice(0, -3));

/** What a group says it called of what the client has. */
interface Calls {
  known: string[];
  called: string[];
}

let folder: string;
const asked: RequestRecord[] = [];
const calls: Calls[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "python-client-"));
  writeKeys(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(({ skip }) => skip(absent !== "", absent));

test.concurrent.each(groups)("the Python client does all it can do with %s", async (group) => {
  const cloud = await listeningCloud();
  try {
    const env = { PYTHONPATH: installed, PYTHONDONTWRITEBYTECODE: "1", PATH: process.env.PATH };
    const command = [join(scripts, "run.py"), group, cloud.url, token, folder];
    const ran = await execa(PYTHON, command, { env, extendEnv: false, reject: false, timeout: 110_000 });
    expect(ran.exitCode, ran.stderr).toBe(0);
    calls.push(JSON.parse(ran.stdout) as Calls);
  } finally {
    asked.push(...cloud.requests);
    cloud.close();
  }
});

test("no method of the Python client is left out, nor any route of the cloud", async ({ task }) => {
  const { routes } = await hand(task, `hcloud ${clientVersion()} for Python`, asked);
  const called = new Set(calls.flatMap((one) => one.called));
  const known = calls[0]?.known ?? [];
  expect(known.length).toBeGreaterThan(200);
  expect(known.filter((method) => !called.has(method))).toEqual([]);
  expect(Object.entries(routes).filter(([, times]) => times === 0)).toEqual([]);
});
