import { Failure } from "../failure.ts";
import { checksOf, wantedMachines } from "./machine.ts";
import type { FlyRelease } from "./release.ts";

/** What Fly's machines are. */
const flyArchitecture = "amd64";

/**
 * Why a release cannot go well; undefined where nothing speaks against it. Asked before anything is changed.
 * @param organization whose the app is; undefined where there is no such app
 */
export function refuse(release: FlyRelease, organization: string | undefined): Failure | undefined {
  const { name, app, image, architecture } = release;
  const because = (cameBack: string, next: string) =>
    new Failure({
      host: `${name} at Fly`,
      tried: `release ${image}`,
      cameBack,
      stands: "Nothing was changed.",
      next,
    });
  if (organization === undefined)
    return because(
      "there is no app of this name",
      `make it: fly apps create ${name}, or let the stack make it`,
    );
  if (organization !== app.organization)
    return because(
      `the app is the organisation ${organization}'s, and the configuration says ${app.organization}`,
      "choose another name, or say the organisation that it is",
    );
  if (!/@sha256:[0-9a-f]{64}$/.test(image))
    return because(
      "the image is named by its tag only, which may be another image tomorrow",
      "name it by digest (name@sha256:…)",
    );
  if (architecture !== flyArchitecture)
    return because(
      `the image is for ${architecture}, and Fly's machines are ${flyArchitecture}`,
      "build the package for x86_64-linux",
    );
  const { strategy } = app.deploy;
  if ((strategy === "canary" || strategy === "bluegreen") && app.mounts.length > 0)
    return because(
      `${strategy} makes machines beside the old ones, which hold the volumes`,
      "choose rolling",
    );
  const unchecked = wantedMachines({ ...release, secretsRevision: "" }).find(
    ({ config }) => checksOf(config) === 0,
  );
  if (strategy === "bluegreen" && unchecked)
    return because(
      `bluegreen moves the traffic once the new machines are healthy, and nothing is asked of ${unchecked.process}`,
      "give its service a check, or choose rolling",
    );
  return undefined;
}
