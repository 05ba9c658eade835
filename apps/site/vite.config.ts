import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import { defineConfig } from "vite";
import packageJson from "./package.json" with { type: "json" };

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter(),
      csp: { directives: { "default-src": ["self"], "base-uri": ["none"], "form-action": ["none"] } },
      // The release's version when nobody sets APP_VERSION. Kit's default, the time, would make every build another.
      version: { name: packageJson.version },
      // A page of the old release must not ask the new one for a stylesheet that is gone.
      inlineStyleThreshold: 65536,
    }),
  ],
});
