/** Which release runs, as the page and `/healthz` tell it. */
export interface Release {
  /** `APP_VERSION`, else the version this was built with. */
  version: string;
  /** `APP_RELEASE`, set by whoever deploys; "unreleased" when nobody did. */
  release: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function releaseOf(env: Environment, builtVersion: string): Release {
  return { version: env.APP_VERSION || builtVersion, release: env.APP_RELEASE || "unreleased" };
}
