// ADAPTER=node makes the server of the S2 row; without it the build is of static files alone, which is the least work.
import node from "@astrojs/node";
import { defineConfig } from "astro/config";

export default defineConfig({
  outDir: process.env.DIST,
  ...(process.env.ADAPTER === "node" ? { adapter: node({ mode: "standalone" }) } : {}),
});
