import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { compression, defineAlgorithm } from "vite-plugin-compression2";

export default defineConfig({
  plugins: [
    svelte({ configFile: false }),
    // Once, here, and as small as it gets, rather than at each request.
    compression({
      algorithms: [defineAlgorithm("gzip", { level: 9 }), "brotliCompress"],
      include: /\.(?:html|js|css|svg|json|txt)$/,
      threshold: 256,
    }),
  ],
  // A file of its own, with a hash in its name, for everything that is imported: the page's policy allows no data: addresses.
  build: { outDir: "build", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
