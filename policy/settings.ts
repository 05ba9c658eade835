import { z } from "zod";

const names = (description: string) => z.array(z.string()).describe(description);
const stacks = names("The stacks that the rule holds for; * stands for any characters.").default(["prod*"]);

/** What each rule may be told by `--policy-pack-config`; its keys are the rules' names. */
export const settings = {
  protected: z.strictObject({ stacks }),
  replaced: z.strictObject({
    stacks,
    allow: names("The hosts whose server or deployment may be replaced.").default([]),
  }),
  "ssh-from-anywhere": z.strictObject({
    stacks,
    allow: names("The firewalls, by their names at Hetzner, that may open ssh to everybody.").default([]),
  }),
  "price-ceiling": z.strictObject({
    stacks,
    perMonth: z
      .number()
      .positive()
      .optional()
      .describe("The most that a stack may cost, net a month, in the currency of the price list."),
  }),
};

export type Rule = keyof typeof settings;
export type Settings<R extends Rule> = z.infer<(typeof settings)[R]>;
