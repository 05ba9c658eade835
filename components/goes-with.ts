import type * as pulumi from "@pulumi/pulumi";

/**
 * Options of a resource that ends at Hetzner as another one does, so that nobody has to delete it.
 *
 * Not while the other one is protected. The engine takes it for deleted as soon as both are to be, and the protected one stays: where a
 * `pulumi destroy` is stopped there, the state would have forgotten what is still there, and the next update could not make it again.
 */
export const goesWith = (
  other: pulumi.Resource | undefined,
  protect = true,
): Pick<pulumi.CustomResourceOptions, "deletedWith"> =>
  other === undefined || protect ? {} : { deletedWith: other };
