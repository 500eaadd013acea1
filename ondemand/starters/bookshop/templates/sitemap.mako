<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
% for path in paths:
  <url><loc>${site}${path}</loc></url>
% endfor
</urlset>
