export interface WebOptions {
  /** A free one when absent. */
  port?: number;
  /** Seconds between two looks at a host. */
  every?: number;
  open?: boolean;
}

/** Seconds between two looks at a host. */
export const usualPace = 15;
/** A look is a login, and asks the app: more of them would be a load of its own. */
export const fastestPace = 5;
