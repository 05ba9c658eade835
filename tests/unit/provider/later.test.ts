import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { doneLater } from "../../../provider/framework/later.ts";
import type { UpdatableHandler } from "../../../provider/framework/types.ts";
import { callOf } from "../../call.ts";

const call = callOf("one");
const state = { inputs: { a: 1 }, outputs: { b: 2 } };
const known = { ...state, id: "1" };

function resource(more: Partial<UpdatableHandler> = {}) {
  const load = vi.fn(
    async (): Promise<UpdatableHandler> => ({
      preview: async (inputs) => ({ ...inputs, previewed: true }),
      create: async (inputs) => ({ id: "new", outputs: inputs }),
      update: async (id, _olds, news) => ({ ...news, id }),
      ...more,
    }),
  );
  const asked = {
    secretOutputs: ["b"],
    diff: async () => ({ changes: false }),
    check: async (inputs: object) => ({ inputs: { ...inputs, checked: true } }),
  };
  return { load, handler: doneLater(asked, load) };
}

describe("a resource whose work is loaded later", () => {
  test("is checked and compared without it", async () => {
    const { load, handler } = resource();
    expect(await handler.check?.({ a: 1 }, {}, call)).toEqual({ inputs: { a: 1, checked: true } });
    expect(await handler.diff?.(known, { a: 1 }, call)).toEqual({ changes: false });
    expect(handler.secretOutputs).toEqual(["b"]);
    expect(load).not.toHaveBeenCalled();
  });

  test("does with it all that is to be done", async () => {
    const gone: string[] = [];
    const { handler } = resource({
      read: async (id) => ({ ...state, id: `${id}, read` }),
      delete: async (id) => void gone.push(id),
    });
    expect(await handler.preview?.({ a: 1 }, undefined, call)).toEqual({ a: 1, previewed: true });
    expect(await handler.create({ a: 1 }, call)).toEqual({ id: "new", outputs: { a: 1 } });
    expect(await handler.update?.("1", state, { a: 3 }, call)).toEqual({ a: 3, id: "1" });
    expect(await handler.read?.("1", state, call)).toEqual({ ...state, id: "1, read" });
    await handler.delete?.("1", state, call);
    expect(gone).toEqual(["1"]);
  });

  test("is read as it was and deleted without more, where it has nothing for that", async () => {
    const { handler } = resource();
    expect(await handler.read?.("1", state, call)).toBe(state);
    expect(await handler.delete?.("1", state, call)).toBeUndefined();
  });
});

test("what a host to which nothing is to be done is asked for needs neither zod nor execa", async () => {
  const folder = join(import.meta.dirname, "../../../provider");
  const asked = ["deployment-diff", "host-key-diff", "server-power-diff", "ssh-key", "age-key"];
  const files = [...asked.map((name) => `resources/${name}.ts`), "framework/serve.ts"];
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    for (const file of ${JSON.stringify(files.map((file) => `file://${join(folder, file)}`))}) await import(file);
    console.log(JSON.stringify(loaded.map((url) => /node_modules\\/((@[^/]+\\/)?[^/]+)/.exec(url)?.[1])));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  const packages = new Set(JSON.parse(stdout) as string[]);
  expect(packages).toContain("@grpc/grpc-js");
  for (const name of ["zod", "execa", "sshpk", "age-encryption"]) expect(packages).not.toContain(name);
});
