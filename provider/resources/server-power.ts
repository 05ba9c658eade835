import { z } from "zod";
import { messageOf } from "../../deployer/failure.ts";
import { resetServer as reset } from "../../deployer/hetzner/actions.ts";
import { HetznerApi } from "../../deployer/hetzner/api.ts";
import { ensureRunning, type ServerPower } from "../../deployer/hetzner/power.ts";
import type { CallContext, Properties, UpdatableHandler } from "../framework/types.ts";
import { serverPowerDiff } from "./server-power-diff.ts";

const inputs = z.strictObject({
  host: z.string(),
  serverId: z.string(),
  /** Whatever may have switched the server off when it changed. */
  after: z.record(z.string(), z.unknown()),
  token: z.string(),
  endpoint: z.string(),
});
type Inputs = z.infer<typeof inputs>;

/** Seconds a server has to run, where the engine sets no timeout. */
const patience = 300;

/** Reaches Hetzner's API for one call. */
export type PowerOf = (wanted: { token: string; endpoint: string }, call: CallContext) => ServerPower;

const hetznerPower: PowerOf = (access, call) => hetznerApi(access, call);

const hetznerApi = (
  { token, endpoint }: { token: string; endpoint: string },
  call: CallContext,
): HetznerApi =>
  new HetznerApi({
    token,
    endpoint,
    tokenFrom: "the stack",
    signal: call.signal,
    until: Date.now() + secondsOf(call) * 1_000,
    say: (line) => call.status(line),
    stands: "",
  });

/** Pull a server's plug and put it back. */
export async function resetServer(
  { serverId, ...access }: { serverId: string; token: string; endpoint: string },
  call: CallContext,
): Promise<void> {
  await reset(hetznerApi(access, call), serverId, { until: Date.now() + secondsOf(call) * 1_000 });
}

const secondsOf = (call: CallContext): number => call.timeoutSeconds ?? patience;

/**
 * That a Hetzner server is on. Created and updated after the server; refreshing sees one that was switched off, and the next update
 * switches it on. Deleting it leaves the server as it is.
 */
export const serverPower = (powerOf: PowerOf = hetznerPower): UpdatableHandler => {
  async function ensure(wanted: Inputs, call: CallContext): Promise<Properties> {
    const { switchedOn } = await ensureRunning(powerOf(wanted, call), Number(wanted.serverId), {
      host: wanted.host,
      deadline: secondsOf(call) * 1_000,
      status: (line) => call.status(line),
      signal: call.signal,
    });
    if (switchedOn) call.log("info", `${wanted.host}: server ${wanted.serverId} was off and was switched on`);
    return { status: "running" };
  }

  return {
    ...serverPowerDiff,

    async preview(news) {
      return { ...news, status: "running" };
    },

    async create(news, call) {
      const wanted = inputs.parse(news);
      return { id: wanted.serverId, outputs: { ...news, ...(await ensure(wanted, call)) } };
    },

    async update(_id, _olds, news, call) {
      return { ...news, ...(await ensure(inputs.parse(news), call)) };
    },

    async read(_id, state, call) {
      const known = inputs.safeParse(state.inputs);
      if (!known.success) return state;
      try {
        const status = await powerOf(known.data, call).serverStatus(Number(known.data.serverId));
        if (status === undefined) return undefined;
        if (status !== "running") call.log("warning", `${known.data.host}: its server is ${status}`);
        return { inputs: state.inputs, outputs: { ...state.outputs, status } };
      } catch (error) {
        call.log(
          "warning",
          `${known.data.host}: whether its server is on could not be read, its state is kept: ${messageOf(error)}`,
        );
        return state;
      }
    },
  };
};
