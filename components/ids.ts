import * as pulumi from "@pulumi/pulumi";

/** Hetzner's ids are text in Pulumi's state and numbers in the provider's inputs. */
export function numericId(id: pulumi.Input<string>): pulumi.Output<number> {
  return pulumi.output(id).apply((text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number <= 0)
      throw new Error(`"${text}" is not the id of a Hetzner resource`);
    return number;
  });
}
