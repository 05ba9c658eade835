import * as pulumi from "@pulumi/pulumi";

/** In errors of `pulumi destroy`, so it is the word that is needed. */
const name = "berth:protect";

/**
 * What keeps `pulumi destroy` from a stack that is protected. The engine deletes what nothing depends on first, and stops where something
 * is protected: firewalls, records and targets would be gone by then. This depends on everything, so it is the first, and nothing else goes.
 * The engine keeps it by itself: it is an entry in the state and nothing more.
 */
export const keepStack = (everything: readonly pulumi.Resource[], protect: boolean): pulumi.Stash =>
  new pulumi.Stash(
    name,
    { input: "pulumi destroy needs berth:protect: false, and one pulumi up with it" },
    { dependsOn: [...everything], protect },
  );
