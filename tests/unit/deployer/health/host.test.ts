import { expect, test } from "vitest";
import { checkInside } from "../../../../deployer/health/check.ts";
import { askHost } from "../../../../deployer/health/host.ts";
import { run } from "../../../../deployer/process.ts";
import type { RemoteOptions, SshSession } from "../../../../deployer/ssh/session.ts";

/** This machine as the host: the scripts are the real ones. */
const here = {
  label: "here (127.0.0.1)",
  sh: (script: string, { input, deadline }: RemoteOptions) =>
    run("sh", ["-c", script], { input: input ?? "", deadline }),
} as unknown as SshSession;

test.each<[string, { command: string; body?: string }, string | RegExp]>([
  ["that ends with 0", { command: "true" }, "well"],
  ["that writes the text", { command: "echo all is ok", body: "is ok" }, "well"],
  ["of several lines with quotes", { command: 'x=\'a b\'\ntest "$x" = "a b"' }, "well"],
  [
    "that writes another text",
    { command: "echo ill", body: "ok" },
    /^the command "echo ill" wrote "ill", without the text "ok"$/,
  ],
  ["that writes nothing", { command: "true", body: "ok" }, /wrote nothing, without the text "ok"$/],
  ["that fails", { command: "echo no database >&2; exit 3" }, /ended with 3: no database$/],
  ["that is not there", { command: "no-such-command" }, /ended with 127: .*not found$/],
  ["that reads its input, and finds none", { command: "cat", body: "x" }, /wrote nothing/],
  ["that hangs", { command: "sleep 60" }, /^the command "sleep 60" did not answer within 1 s$/],
])("a command %s", async (_, check, expected) => {
  const verdict = await askHost(check, here, 1_000);
  expect(verdict.healthy ? "well" : verdict.because).toMatch(expected);
});

test("a host that cannot be asked is not healthy, and why is told", async () => {
  const gone = { label: "web (192.0.2.1)", sh: async () => ({ exitCode: 255, stdout: "", stderr: "" }) };
  expect(await askHost({ unit: "site.service" }, gone as unknown as SshSession, 1_000)).toEqual({
    healthy: false,
    because: expect.stringMatching(/^the unit site.service could not be asked: .*the connection broke/s),
  });
});

test("checks on the host are asked again until they are well, and those from outside are left to others", async () => {
  const file = `/tmp/berth-check-${process.pid}`;
  const command = `echo x >>${file}; test "$(wc -l <${file})" -ge 3`;
  const checks = [{ http: "http://no-such-host.invalid/" }, { command }];
  try {
    expect(await checkInside(checks, here, { deadline: 10_000, pause: 10 })).toMatchObject({ healthy: true });
  } finally {
    await run("rm", ["-f", file], { deadline: 1_000 });
  }
});

test("a check on the host that stays ill decides at the deadline", async () => {
  const verdict = await checkInside([{ command: "false" }, { command: "true" }], here, {
    deadline: 300,
    pause: 20,
  });
  expect(verdict).toEqual({
    healthy: false,
    because: expect.stringMatching(/^the command "false" ended with 1, for [01] s$/),
  });
});
