// Hono's toSSG: pages named by ssgParams (it does not crawl). PAGES, PROSE: see page.mjs; DIST: where to.
import fs from "node:fs/promises";
import { Hono } from "hono";
import { ssgParams, toSSG } from "hono/ssg";
import { count, home, page } from "./page.mjs";

const app = new Hono();
app.get("/", (context) => context.html(home));
app.get(
  "/p/:number",
  ssgParams(() => Array.from({ length: count }, (_, number) => ({ number: String(number) }))),
  (context) => context.html(page(Number(context.req.param("number")))),
);

const result = await toSSG(app, fs, { dir: process.env.DIST });
if (!result.success) throw result.error;
if (result.files.length !== count + 1) throw new Error(`${result.files.length} files`);
