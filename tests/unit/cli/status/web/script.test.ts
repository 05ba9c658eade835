import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { age } from "../../../../../cli/rollback.ts";

const script = new URL("../../../../../cli/status/web/client/script.js", import.meta.url);

test("the page's script counts ages as the command does", () => {
  const context: { age?: typeof age } = {};
  runInNewContext(readFileSync(script, "utf8"), context);
  const day = 86_400;
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: -10, max: 300 }), fc.nat(5 * day)), (seconds) => {
      const now = Date.UTC(2026, 10, 22);
      expect(context.age?.(now / 1000 - seconds, now)).toBe(age(now / 1000 - seconds, now));
    }),
  );
});
