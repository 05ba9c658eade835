import { isCancel, select, text } from "@clack/prompts";
import { Failure } from "../../deployer/failure.ts";
import { type Answers, complete, type InitOptions, nextQuestion } from "./answers.ts";

/** Ask who sits at the terminal for what the options leave open. Throws a Failure when they give up. */
export async function ask(options: InitOptions, folder: string): Promise<Answers> {
  const known = { ...options };
  for (let next = nextQuestion(known, folder); next; next = nextQuestion(known, folder)) {
    const { key, question, usual, choices, fault } = next;
    // The questions are no answer: they stay off stdout.
    const output = process.stderr;
    const answer = choices
      ? await select({ message: question, options: [...choices], initialValue: usual, maxItems: 12, output })
      : await text({
          message: question,
          output,
          ...(usual === undefined ? {} : { placeholder: usual, defaultValue: usual }),
          validate: (typed) =>
            typed ? fault(typed) : usual === undefined ? "an answer is needed" : undefined,
        });
    if (isCancel(answer))
      throw new Failure({
        tried: "make a project",
        cameBack: "it was given up",
        stands: "Nothing was written.",
        next: "berth init asks again",
      });
    Object.assign(known, { [key]: answer });
  }
  return complete(known, folder);
}
