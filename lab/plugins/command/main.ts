import { serve } from "../../../provider/framework/serve.ts";
import { commandStandIn } from "./provider.ts";

await serve(commandStandIn);
