import { defineConfig } from "vite";

/** The page, from source to `dist/web`. Nothing is inlined: its security policy forbids it. */
export default defineConfig({
  root: "web",
  base: "/",
  resolve: { conditions: ["@berth/source", "browser", "module", "import", "default"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome111", "firefox121", "safari16.4"],
    reportCompressedSize: true,
  },
});
