import { serve } from "../../../provider/framework/serve.ts";
import { hcloudStandIn } from "./provider.ts";

await serve(hcloudStandIn(process.env));
