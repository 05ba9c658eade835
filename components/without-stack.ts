import { RunError } from "@pulumi/pulumi/errors.js";
import { ConfigurationError } from "../config/problems.ts";
import { Failure } from "../deployer/failure.ts";

/** Show people's mistakes as their message alone; Pulumi prints the stack trace of every other error. */
export async function withoutStack<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConfigurationError || error instanceof Failure) throw new RunError(error.message);
    throw error;
  }
}
