import { serve } from "../../../provider/framework/serve.ts";

/** A plugin that talks where it should not and, when told so by its environment, breaks. */
await serve({
  name: "noisy",
  version: "1.0.0",
  resources: {},
  async close() {
    console.error("closed");
  },
});
console.log("this is no port");
if (process.env.NOISY_BREAKS) setTimeout(() => void Promise.reject(new Error("lost\nthe thread")), 10);
