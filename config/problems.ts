/** One thing wrong with what a person wrote: where, what is allowed, and how it looks when it is right. */
export interface Problem {
  /** E.g. "berth:hosts.web1.server.type". */
  path: string;
  /** What is wrong and what is allowed. */
  message: string;
  example?: string;
}

/** Everything wrong with the configuration, in one message. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly problems: readonly Problem[];

  constructor(stack: string, problems: readonly Problem[]) {
    const lines = problems.map(
      ({ path, message, example }) =>
        `  ${path}: ${message}${example === undefined ? "" : `\n      for example: ${example}`}`,
    );
    super(
      `Stack ${stack}: ${problems.length === 1 ? "this is" : `these ${problems.length} things are`} wrong in Pulumi.${stack}.yaml:\n${lines.join("\n")}\nNothing was created or changed.`,
    );
    this.problems = problems;
  }
}
