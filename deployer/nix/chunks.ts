import { availableParallelism, freemem } from "node:os";
import { Failure } from "../failure.ts";

/** What evaluating a NixOS system takes beside the first's share of nixpkgs, and that share; measured: docs/building.md. */
export const bytesPerSystem = 600_000_000;
export const bytesOfNixpkgs = 250_000_000;
/** What is left to everything else. */
const share = 0.75;

/** What an evaluation may take. */
export interface EvaluationRoom {
  /** Bytes of memory that are free. */
  memory: number;
  /** Processors. */
  cores: number;
  /** Systems that a run shall have at most. @default as many as the memory allows */
  size?: number;
  /** Runs that shall be under way at a time at most. @default as many as memory and processors allow */
  jobs?: number;
}

/** Systems in the runs that evaluate them, and how many of these runs are under way at a time. */
export interface EvaluationPlan<T> {
  chunks: T[][];
  atOnce: number;
}

/**
 * How to evaluate: as many runs side by side as memory and processors allow, each with as much as its share of the memory holds, and all
 * about as long. A run has one system at least; one run is always under way, whatever the memory. Pure.
 */
export function planEvaluation<T>(
  systems: readonly T[],
  { memory, cores, size, jobs }: EvaluationRoom,
): EvaluationPlan<T> {
  const room = memory * share;
  const least = bytesOfNixpkgs + Math.min(size ?? 1, systems.length) * bytesPerSystem;
  const most = Math.min(cores, jobs ?? cores, systems.length);
  const atOnce = Math.max(1, Math.min(most, Math.floor(room / least)));
  const fits = Math.max(1, Math.floor((room / atOnce - bytesOfNixpkgs) / bytesPerSystem));
  const runs = Math.ceil(systems.length / (size ?? fits));
  // The last ones are then under way together, too.
  const even = Math.min(systems.length, Math.ceil(runs / atOnce) * atOnce);
  const chunks = chunksOf(systems, Math.max(1, size === undefined ? even : runs));
  return { chunks, atOnce: Math.min(atOnce, chunks.length) };
}

/** `items` in `count` chunks, all about as long. */
function chunksOf<T>(items: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, index) =>
    items.slice(Math.floor((index * items.length) / count), Math.floor(((index + 1) * items.length) / count)),
  );
}

/**
 * The room that this machine has, and what BERTH_EVAL_CHUNK (systems a run) and BERTH_EVAL_JOBS (runs at a time) say about it.
 * Throws a Failure when one of them is no whole number from 1.
 */
export function evaluationRoom(env: Readonly<Record<string, string | undefined>>): EvaluationRoom {
  const size = wholeNumber(env, "BERTH_EVAL_CHUNK");
  const jobs = wholeNumber(env, "BERTH_EVAL_JOBS");
  return {
    memory: Math.min(freemem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    cores: availableParallelism(),
    ...(size === undefined ? {} : { size }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}

function wholeNumber(env: Readonly<Record<string, string | undefined>>, name: string): number | undefined {
  const said = env[name] ?? "";
  if (said === "") return undefined;
  if (/^[1-9]\d{0,5}$/.test(said)) return Number(said);
  throw new Failure({
    tried: "divide the evaluation",
    cameBack: `${name} is ${said}`,
    next: "set it to a whole number from 1, or leave it unset: then memory and processors decide",
  });
}
