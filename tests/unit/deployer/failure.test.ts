import { expect, test } from "vitest";
import { Failure, messageIn, messageOf } from "../../../deployer/failure.ts";

test.each<[string, ConstructorParameters<typeof Failure>[0], string]>([
  [
    "who, what, what came back, where things stand and what to do",
    {
      host: "web1 (203.0.113.7)",
      tried: "copy the release",
      cameBack: "no space left",
      stands: "The running release was not touched",
      next: "free some",
    },
    "web1 (203.0.113.7): copy the release: no space left. The running release was not touched. Next: free some.",
  ],
  [
    "no host where none is concerned",
    { tried: "build site", cameBack: "it failed", next: "mend it" },
    "build site: it failed. Next: mend it.",
  ],
  [
    "no full stop where there is one",
    { tried: "ask", cameBack: "Why not?", stands: "Nothing changed.", next: "go on!" },
    "ask: Why not? Nothing changed. Next: go on!",
  ],
  [
    "a block of lines as it is",
    { tried: "build site", cameBack: "the build failed\n  error: 1\n  error: 2\n", next: "mend it" },
    "build site: the build failed\n  error: 1\n  error: 2\n Next: mend it.",
  ],
])("a failure tells %s", (_, parts, message) => {
  const failure = new Failure(parts);
  expect(failure.message).toBe(message);
  expect(failure.host).toBe(parts.host);
  expect(failure.name).toBe("Failure");
});

test("whatever was thrown has a message", () => {
  expect([new Error("a"), "b", 3, undefined].map(messageOf)).toEqual(["a", "b", "3", "undefined"]);
});

test("what failed in another command advises to run that again", () => {
  const failure = new Failure({
    tried: "deploy it",
    cameBack: "another deployment holds the lock",
    next: "mend that, then run pulumi up again",
  });
  expect(messageIn("berth rollback web1 --to 3", failure)).toBe(
    "deploy it: another deployment holds the lock. Next: mend that, then run berth rollback web1 --to 3 again.",
  );
});
