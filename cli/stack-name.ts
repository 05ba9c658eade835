import { z } from "zod";
import { Failure } from "../deployer/failure.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { type Project, stacksOf } from "./project.ts";
import { pulumi } from "./pulumi.ts";

/** Names the stack where pulumi has none selected. */
export const stackVariable = "BERTH_STACK";

/** What there is to choose a stack by; what takes time is asked only where it is needed. */
export interface StackFacts {
  /** What -s names. */
  given: string | undefined;
  /** What `pulumi stack select` has selected. */
  selected: () => Promise<string | undefined>;
  /** What the environment names. */
  variable: string | undefined;
  /** Every stack of the project. */
  existing: () => Promise<readonly string[]>;
}

/** The stack that a command works on. Throws a Failure where there is none, or several would do. */
export async function chooseStack({ given, selected, variable, existing }: StackFacts): Promise<string> {
  const named = given ?? (await selected()) ?? (variable || undefined);
  if (named !== undefined) return named;
  const stacks = await existing();
  const [only] = stacks;
  if (only !== undefined && stacks.length === 1) return only;
  throw new Failure({
    tried: "find the stack to work on",
    ...(only === undefined
      ? {
          cameBack: "the project has none yet",
          next: "make one: pulumi stack init prod",
        }
      : {
          cameBack: `none is selected, and there are ${stacks.length}: ${stacks.join(", ")}`,
          next: `name one with -s or ${stackVariable}, or choose one with pulumi stack select`,
        }),
  });
}

/**
 * The name of the stack that a command works on: what -s names, what is selected, what BERTH_STACK names, or the only one there is.
 * @param given what -s names
 */
export const nameOfStack = (given: string | undefined): Promise<string> =>
  chooseStack({ given, selected: selectedStack, variable: process.env[stackVariable], existing: allStacks });

/** The same for commands that work without pulumi, or without the place of its state: the stacks are those that have a file. */
export const nameOfFile = (given: string | undefined, project: Project): Promise<string> =>
  chooseStack({
    given,
    selected: () => selectedStack().catch(() => undefined),
    variable: process.env[stackVariable],
    existing: async () => stacksOf(project),
  });

const selectedStack = (): Promise<string | undefined> =>
  pulumi(["stack", "--show-name"], undefined).then(
    (name) => name.trim(),
    (error: unknown) => {
      if (error instanceof Failure && /no stack selected/i.test(error.cameBack)) return undefined;
      throw error;
    },
  );

const listed = z.array(z.object({ name: z.string() }));

async function allStacks(): Promise<string[]> {
  const stacks = listed.safeParse(jsonOrUndefined(await pulumi(["stack", "ls", "--json"], undefined)));
  return (stacks.data ?? []).map(({ name }) => name);
}
