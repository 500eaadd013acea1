<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
  <channel>
    <title>New at Foolscap Books</title>
    <link>${site}/</link>
    <description>The latest arrivals at a small shop of old books.</description>
    <language>en-gb</language>
    <atom:link href="${site}/feed.xml" rel="self" type="application/rss+xml"/>
% for book, added in books:
    <item>
      <title>${book.title} by ${book.author}</title>
      <link>${site}/books/${book.slug}</link>
      <guid>${site}/books/${book.slug}</guid>
      <pubDate>${added}</pubDate>
      <description>${book.blurb}</description>
    </item>
% endfor
  </channel>
</rss>
