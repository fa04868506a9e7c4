import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // Nothing inline: the page runs under a content security policy that
    // allows only its own origin, data: URLs for pictures aside.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js, which is loaded when a video is opened; scripts/size.mjs bounds it.
    chunkSizeWarningLimit: 700,
  },
});
