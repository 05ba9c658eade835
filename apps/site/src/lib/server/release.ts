import packageJson from "../../../package.json" with { type: "json" };

/** Which release runs, as the page and `/healthz` tell it. */
export interface Release {
  /** `APP_VERSION`, else the version in package.json. */
  version: string;
  /** `APP_RELEASE`, set by whoever deploys; "unreleased" when nobody did. */
  release: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function releaseOf(env: Environment): Release {
  return {
    version: env.APP_VERSION || packageJson.version,
    release: env.APP_RELEASE || "unreleased",
  };
}
