/** What one attempt at a check found. */
export type Verdict =
  | {
      healthy: true;
      /** Milliseconds. */
      took: number;
      /** What somebody should know all the same. */
      note?: string;
    }
  | {
      healthy: false;
      because: string;
      /** This machine has no way to the address at all, so nothing was learnt about the host. */
      noWay?: true;
      /** It did not answer in time, which says the less, the shorter that was. */
      late?: true;
    };

/** What a network stack says of an address family that this machine has no route for. */
const noWayCodes: readonly (string | undefined)[] = ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"];

/** Why a connection failed, without Node's advice on how to start Node: nobody who deploys does. */
export const reasonOf = (error: Error): string =>
  error.message.replace(/; if the root CA is installed locally.*$/s, "");

/** "2.7 s": a time in milliseconds, for people. */
export const secondsOf = (milliseconds: number): string => `${Number((milliseconds / 1000).toFixed(1))} s`;

/** The verdict on a connection that failed. `asked` is what was tried, `what` how far it came. */
export const connectionFailed = (asked: string, what: string, error: NodeJS.ErrnoException): Verdict => ({
  healthy: false,
  because: `${asked} ${what}: ${reasonOf(error)}`,
  ...(noWayCodes.includes(error.code) ? { noWay: true } : {}),
});

/** The verdict on what had not ended after so many milliseconds. */
export const tooSlow = (asked: string, timeout: number): Verdict => ({
  healthy: false,
  because: `${asked} did not answer within ${secondsOf(timeout)}`,
  late: true,
});

/** "GET https://… over IPv6": what is asked, and by which family where that is not the usual one. */
export const overFamily = (asked: string, family: number): string =>
  family === 6 ? `${asked} over IPv6` : asked;
