import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfNixpkgs, bytesPerSystem, planEvaluation } from "../../../../deployer/nix/chunks.ts";

const GB = 1_000_000_000;
const take = (size: number) => bytesOfNixpkgs + size * bytesPerSystem;
const systems = (count: number) => Array.from({ length: count }, (_, index) => index);

const stacks = fc.integer({ min: 1, max: 60 }).map(systems);
const machines = fc.record({
  memory: fc.integer({ min: 0, max: 256 }).map((gigabytes) => gigabytes * GB),
  cores: fc.integer({ min: 1, max: 64 }),
});

test("every system is evaluated once, in order, and each run has one at least", () => {
  fc.assert(
    fc.property(
      stacks,
      machines,
      fc.option(fc.integer({ min: 1, max: 70 }), { nil: undefined }),
      (all, machine, size) => {
        const { chunks } = planEvaluation(all, { ...machine, ...(size === undefined ? {} : { size }) });
        expect(chunks.flat()).toEqual(all);
        for (const chunk of chunks) {
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.length).toBeLessThanOrEqual(size ?? all.length);
        }
      },
    ),
  );
});

test("what runs at a time takes no more than three quarters of the memory, unless it is one system alone", () => {
  fc.assert(
    fc.property(stacks, machines, (all, machine) => {
      const { chunks, atOnce } = planEvaluation(all, machine);
      const largest = chunks.map(({ length }) => length).toSorted((a, b) => b - a);
      if (atOnce === 1 && largest[0] === 1) return;
      const taken = largest.slice(0, atOnce).reduce((sum, size) => sum + take(size), 0);
      expect(taken).toBeLessThanOrEqual(machine.memory * 0.75);
    }),
  );
});

/** Systems that the busiest of the runs at a time evaluates, each taking the next chunk when it is done. */
function longest({ chunks, atOnce }: { chunks: readonly unknown[][]; atOnce: number }): number {
  const busy = Array.from({ length: atOnce }, () => 0);
  for (const chunk of chunks) {
    const next = busy.indexOf(Math.min(...busy));
    busy[next] = (busy[next] ?? 0) + chunk.length;
  }
  return Math.max(...busy);
}

test("no more runs are under way than there are processors, systems and what is asked for, and all of them have work", () => {
  fc.assert(
    fc.property(stacks, machines, fc.integer({ min: 1, max: 8 }), (all, machine, jobs) => {
      const { chunks, atOnce } = planEvaluation(all, { ...machine, jobs });
      expect(atOnce).toBeLessThanOrEqual(Math.min(machine.cores, jobs, chunks.length));
      const largest = Math.max(...chunks.map(({ length }) => length));
      expect(longest({ chunks, atOnce })).toBeLessThan(all.length / atOnce + largest);
    }),
  );
});

test.each([
  ["one system", 1, { memory: 16 * GB, cores: 8 }, [1], 1],
  ["none", 0, { memory: 16 * GB, cores: 8 }, [0], 1],
  ["one processor", 4, { memory: 16 * GB, cores: 1 }, [4], 1],
  ["two processors", 4, { memory: 16 * GB, cores: 2 }, [2, 2], 2],
  ["processors for each of ten", 10, { memory: 32 * GB, cores: 16 }, Array(10).fill(1), 10],
  ["memory for four of ten at a time", 10, { memory: 5 * GB, cores: 16 }, Array(10).fill(1), 4],
  ["memory for two of ten at a time", 10, { memory: 3 * GB, cores: 16 }, Array(10).fill(1), 2],
  ["memory for six, on two processors", 10, { memory: 5.5 * GB, cores: 2 }, [2, 3, 2, 3], 2],
  ["memory for less than one", 3, { memory: GB / 2, cores: 4 }, [1, 1, 1], 1],
  ["a size that is asked for", 5, { memory: 16 * GB, cores: 2, size: 2 }, [1, 2, 2], 2],
  ["one at a time by request", 5, { memory: 16 * GB, cores: 8, size: 1, jobs: 1 }, [1, 1, 1, 1, 1], 1],
])("%s", (_, count, room, lengths, atOnce) => {
  const plan = planEvaluation(systems(count), room);
  expect(plan.chunks.map(({ length }) => length)).toEqual(lengths);
  expect(plan.atOnce).toBe(atOnce);
});
