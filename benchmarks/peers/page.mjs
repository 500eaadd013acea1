// The pages of benchmarks/pages.py, in JavaScript.
import { readFileSync } from "node:fs";

export const count = Number(process.env.PAGES);
const text = readFileSync(process.env.PROSE, "utf8");

export const home =
  '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Home</title></head>' +
  '<body><a href="/p/0">Page 0</a></body></html>';

export function page(number) {
  const links = [2 * number + 1, 2 * number + 2]
    .filter((target) => target < count)
    .map((target) => `<li><a href="/p/${target}">Page ${target}</a></li>`)
    .join("");
  return (
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page ${number}</title></head>` +
    `<body><h1 id="top">Page ${number}</h1><ul><li><a href="/">Home</a></li>${links}</ul>${text}</body></html>`
  );
}
