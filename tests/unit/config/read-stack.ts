import { ConfigurationError, type Problem } from "../../../config/problems.ts";
import { parseStackConfig } from "../../../config/stack.ts";
import { problemsOf, type Raw } from "./samples.ts";

/** A stack's configuration as it is read, with the problems that leave the rest of it usable. */
export const parsed = (raw: Raw) => parseStackConfig("dev", raw);

/** What is wrong, whether the rest can be used or not. */
export const refused = (raw: Raw): readonly Problem[] =>
  problemsOf(() => {
    const { problems } = parsed(raw);
    if (problems.length > 0) throw new ConfigurationError("dev", problems);
  });
