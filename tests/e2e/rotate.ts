/** A deployer that rotates a host key, as JSON on stdin; it dies when it comes to the step named `dieAt`. */
import { text } from "node:stream/consumers";
import { ensureHostKey } from "../../deployer/identity/rotate.ts";

const { rotation, dieAt } = JSON.parse(await text(process.stdin));
const outcome = await ensureHostKey(rotation, {
  status: (line) => {
    if (line === dieAt) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(outcome);
