import * as pulumi from "@pulumi/pulumi";

/** Hetzner's ids are text in Pulumi's state and numbers in the provider's inputs. */
export const numericId = (id: pulumi.Input<string>): pulumi.Output<number> =>
  pulumi.output(id).apply(parseId);

/** A Hetzner id as a number. Throws on what is none. */
export function parseId(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number <= 0)
    throw new Error(`"${text}" is not the id of a Hetzner resource`);
  return number;
}
