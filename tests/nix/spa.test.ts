import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { has, output, repository } from "./nix.ts";
import { type BuiltSpa, buildSpa } from "./spa/build.ts";
import { expectations, expectRelease } from "./spa/expectations.ts";
import { type Nginx, startNginx } from "./spa/nginx.ts";
import { findNginx, type NginxProgram } from "./spa/program.ts";
import { serveSpa } from "./spa/serve.ts";

// The single-page app as npm builds it, under the nginx of this machine.
let spa: BuiltSpa;
let program: NginxProgram | undefined;
const needsNginx = "needs nginx on PATH, or the image of the lab's machines";

beforeAll(async () => {
  [spa, program] = await Promise.all([buildSpa(), findNginx()]);
});
afterAll(async () => {
  await spa?.[Symbol.asyncDispose]();
  await program?.[Symbol.asyncDispose]();
});

test("the build names what is imported by its content, and compresses what is worth it", () => {
  const kinds = spa.files.map((file) => file.replace(/-[\w-]{8}\./, "-HASH."));
  expect(kinds.sort()).toEqual([
    "assets/anchor-HASH.svg",
    ...["", ".br", ".gz"].map((ending) => `assets/index-HASH.css${ending}`),
    ...["", ".br", ".gz"].map((ending) => `assets/index-HASH.js${ending}`),
    "favicon.svg",
    ...["", ".br", ".gz"].map((ending) => `index.html${ending}`),
  ]);
});

test("the same source builds the same bytes, whatever the language and the time are", async () => {
  const again = await spa.again({ LC_ALL: "C", LANG: "C", TZ: "Pacific/Auckland" });
  await output("diff", ["--recursive", spa.folder, again]);
});

describe("an nginx with the image's configuration", () => {
  let nginx: Nginx | undefined;
  let missing = "";

  beforeAll(async () => {
    if (!program) missing = needsNginx;
    else if (!(await has("nix"))) missing = "needs nix on PATH";
    else nginx = await startNginx(program, await imageConfig(program));
  });
  afterAll(() => nginx?.[Symbol.asyncDispose]());
  const running = (ctx: TestContext): Nginx => nginx ?? ctx.skip(missing);

  test.for(Object.keys(expectations))("%s", async (name, ctx) => {
    await expectations[name]?.(running(ctx), spa, {});
  });

  test("tells its release, logs to its outputs alone and ends when it is told to", async (ctx) => {
    await expectRelease(running(ctx), "a-release");
    const told = await running(ctx).stop();
    expect(told.code).toBe(0);
    expect(told.access).toMatch(/"GET \/ HTTP\/1\.1" 200/);
    expect(told.access).not.toContain("/healthz");
    // It removes its pid file when it ends; this one it may not.
    const errors = told.errors
      .split("\n")
      .filter((line) => line !== "" && !line.includes('unlink() "/dev/null"'));
    expect(errors).toEqual([]);
  });
});

test("the program that nix run starts listens where HOST and PORT say, and leaves nothing behind", async (ctx) => {
  if (!program) return ctx.skip(needsNginx);
  if (!(await has("nix"))) return ctx.skip("needs nix on PATH");
  await using served = await serveSpa(program, await configText("serve.nix", program), { HOST: "127.0.0.1" });
  for (const path of ["/", encodeURI("/über")]) {
    const answer = await served.ask(path);
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  }
  expect(await served.stop()).toEqual({
    code: 0,
    errors: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\n$/),
    left: [],
  });
});

test("a PORT that is no number is refused with the reason", async (ctx) => {
  if (!program) return ctx.skip(needsNginx);
  await expect(serveSpa(program, "", { PORT: "http" })).rejects.toThrow(
    "spa: PORT is 'http', and should be a number such as 8080.",
  );
});

/** The image's nginx.conf for the built files, in place of the package's. */
async function imageConfig(nginx: NginxProgram): Promise<(folder: string, port: number) => string> {
  const text = await configText("nginx.nix", nginx, 'listen = [ "@listen@" ]; cache = "@cache@";');
  return (folder, port) => text.replaceAll("@listen@", `127.0.0.1:${port}`).replaceAll("@cache@", folder);
}

async function configText(file: string, { mimeTypes }: NginxProgram, more = ""): Promise<string> {
  const expression = `import ${join(repository, "apps/spa", file)} {
    root = "${spa.folder}"; mimeTypes = "${mimeTypes}"; release = "a-release"; ${more} }`;
  const text: unknown = JSON.parse(
    await output("nix-instantiate", ["--eval", "--strict", "--json", "--expr", expression]),
  );
  return String(text);
}
