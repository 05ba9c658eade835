import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import sshpk from "sshpk";
import { describe, expect, test } from "vitest";
import { formsOf, LeakSearch } from "../e2e/leaks.ts";

const secret = "hunter2-and-no-other";

describe("a search for leaks", () => {
  test.each<[string, (text: string) => string]>([
    ["as it is", (text) => text],
    ["as base64", (text) => Buffer.from(text).toString("base64")],
    ["as base64", (text) => Buffer.from(`{"a":${text}"}`).toString("base64")],
    ["as base64url", (text) => Buffer.from(text).toString("base64url")],
    ["as hex", (text) => Buffer.from(text).toString("hex").toUpperCase()],
    ["in a URL", (text) => `?q=${encodeURIComponent(text)}`],
    ["in JSON", (text) => JSON.stringify({ a: text })],
  ])("finds a secret %s, whatever stands around it", (form, disguise) => {
    // What differs in URLs and JSON, and in base64 in its two alphabets.
    const odd = `${secret} "ÿþ~?>/\\`;
    const within = fc.tuple(fc.string(), fc.string());
    fc.assert(
      fc.property(within, ([before, after]) => {
        const disguised = form === "as base64url" ? disguise(odd) : disguise(before + odd + after);
        const text = form.startsWith("as base64") ? disguised : before + disguised + after;
        expect(new LeakSearch({ odd }).in(text)).toContain(`odd ${form}`);
      }),
    );
  });

  test("does not find what is not there", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => {
        expect(new LeakSearch({ secret }).in(text)).toEqual([]);
      }),
    );
  });

  test("knows a private key by any of its lines, and not by its public half", () => {
    const key = sshpk.generatePrivateKey("ed25519");
    const pem = key.toString("openssh");
    const search = new LeakSearch({ key: pem });
    const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines.slice(1)) expect(search.in(`  ${line}\n`)).toEqual(["key as it is"]);
    expect(search.in(`${pem.split("\n")[1]} ${key.toPublic().toString("ssh")}`)).toEqual([]);
  });

  test("refuses a secret that is anywhere by chance", () => {
    expect(() => formsOf("pin", "1234")).toThrow("pin is too short to be looked for");
  });

  test("finds files, and leaves out those that have it by right", async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-leaks-"));
    try {
      await writeFile(join(folder, "log"), `GET /?token=${secret}\n`);
      await writeFile(join(folder, "binary"), Buffer.concat([Buffer.from([0, 255]), Buffer.from(secret)]));
      await writeFile(join(folder, "right"), secret);
      await writeFile(join(folder, "clean"), "hunter1");
      const search = new LeakSearch({ secret });
      await search.files("files of the test", [folder], (file) => file.endsWith("/right"));
      expect(search.findings.toSorted((a, b) => (a.where < b.where ? -1 : 1))).toEqual([
        { where: join(folder, "binary"), what: "secret as it is" },
        { where: join(folder, "log"), what: "secret as it is" },
      ]);
      expect(search.searched).toEqual([{ where: "files of the test, files", count: 4 }]);
      expect(search.report().join("\n")).not.toContain(secret);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.runIf(process.platform === "linux")(
    "finds a process by its arguments and by its environment, while it runs",
    async () => {
      const search = new LeakSearch({ secret });
      const stop = search.watchProcesses(() => false);
      const children = [
        spawn("sleep", ["5"], { env: { ...process.env, TOKEN: secret } }),
        spawn(process.execPath, ["-e", "setTimeout(() => {}, 5000)", Buffer.from(secret).toString("hex")]),
      ];
      await sleep(500);
      for (const child of children) child.kill();
      await stop();
      expect(search.findings.map(({ what }) => what).toSorted()).toEqual([
        "secret as hex",
        "secret as it is",
      ]);
      expect(search.findings.find(({ what }) => what === "secret as it is")?.where).toMatch(
        /^environment of process sleep 5/,
      );
    },
  );
});
