import type { HealthCheck } from "../../config/manifest.ts";
import { messageOf } from "../../deployer/failure.ts";
import {
  askCertificate,
  type SecureName,
  type SeenCertificate,
  secureNames,
} from "../../deployer/health/certificate.ts";
import { checkInside, checkOutside, wayOf } from "../../deployer/health/check.ts";
import type { Verdict } from "../../deployer/health/verdict.ts";
import { type Answer, type Observation, remote, type Space } from "../../deployer/remote/scripts.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import type { KnownDeployment } from "../deployments.ts";
import { checksOf } from "../rollback.ts";
import { hostOf, type StackView, targetOf } from "../stack.ts";

/** What a host tells of itself over ssh. */
export interface Told {
  seen: Observation;
  generations: Answer<"generations">["generations"];
  space: Space;
}

/** Everything that a look at a host has found. */
export interface HostLook {
  host: string;
  address: string;
  /** What the stack's state knows of it. */
  known: KnownDeployment | undefined;
  /** Or why it told nothing. */
  told: Told | { error: string };
  checks: { check: HealthCheck; verdict: Verdict }[];
  certificates: { of: SecureName; seen: SeenCertificate }[];
}

/** Milliseconds a host has to let somebody in and to answer. */
const lookDeadline = 15_000;
/** Milliseconds for its checks and certificates, all at once. */
const checkDeadline = 5_000;

/**
 * Look at a host. Never throws: a host that is dead is what was found.
 * @param signal ends its connection, and with that the look
 */
export async function lookAtHost(
  stack: StackView,
  host: string,
  known: KnownDeployment | undefined,
  signal?: AbortSignal,
): Promise<HostLook> {
  const { address, url, ipv6Address } = hostOf(stack, host);
  const session = await SshSession.create(targetOf(stack, host));
  const giveUp = () => void session.close();
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    const told = await tell(session);
    const wanted = known?.inputs.health ?? [];
    const runs =
      "seen" in told
        ? told.generations.findLast(({ toplevel }) => toplevel === told.seen.current)
        : undefined;
    // Those of a release that was returned to: the wanted one's may ask for that one's answer.
    const checks = runs && known && runs.toplevel !== known.inputs.toplevel ? checksOf(runs, wanted) : wanted;
    const addresses = [address, known?.inputs.ipv6Address || ipv6Address].filter((one) => one !== "");
    const names = secureNames([...checks.flatMap(({ https }) => https ?? []), url]);
    const [verdicts, certificates] = await Promise.all([
      Promise.all(checks.map((check) => ask(check, [...new Set(addresses)], session, "seen" in told))),
      Promise.all(names.map((of) => askCertificate(of, address, checkDeadline))),
    ]);
    return {
      host,
      address,
      known,
      told,
      checks: checks.flatMap((check, index) => {
        const verdict = verdicts[index];
        return verdict ? [{ check, verdict }] : [];
      }),
      certificates: names.flatMap((of, index) => {
        const seen = certificates[index];
        return seen ? [{ of, seen }] : [];
      }),
    };
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await session.close();
  }
}

async function tell(session: SshSession): Promise<HostLook["told"]> {
  const end = Date.now() + lookDeadline;
  const options = () => ({ deadline: Math.max(1_000, end - Date.now()) });
  try {
    const seen = await remote(session, "observe", {}, options());
    const { generations } = await remote(session, "generations", {}, options());
    const { places } = await remote(session, "space", {}, options());
    return { seen, generations, space: places };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** One check's verdict; none of a check that only the host could answer, where it answers nobody. */
async function ask(
  check: HealthCheck,
  addresses: readonly string[],
  session: SshSession,
  reached: boolean,
): Promise<Verdict | undefined> {
  const options = { deadline: checkDeadline };
  if ("outside" in wayOf(check)) return checkOutside([check], addresses, options);
  return reached ? checkInside([check], session, options) : undefined;
}
