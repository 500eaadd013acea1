// ADAPTER=node makes the server of the S2 and S4 rows; without it the build is of static files alone, which is the least
// work. SOURCE: "src" (static pages) or "ssr" (pages on demand).
import node from "@astrojs/node";
import { defineConfig } from "astro/config";

export default defineConfig({
  outDir: process.env.DIST,
  srcDir: `./${process.env.SOURCE ?? "src"}`,
  ...(process.env.ADAPTER === "node" ? { adapter: node({ mode: "standalone" }) } : {}),
});
