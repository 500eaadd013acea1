<%!
from datetime import UTC, datetime
from email.utils import format_datetime
%>\
<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
  <channel>
    <title>New at Foolscap Books</title>
    <link>${page.site}/</link>
    <description>The latest arrivals at a small shop of old books.</description>
    <language>en-gb</language>
    <atom:link href="${page.site}/feed.xml" rel="self" type="application/rss+xml"/>
% for book in books:
    <item>
      <title>${book.title} by ${book.author}</title>
      <link>${page.site}/books/${book.slug}</link>
      <guid>${page.site}/books/${book.slug}</guid>
      <pubDate>${format_datetime(datetime.fromisoformat(book.added).replace(tzinfo=UTC), usegmt=True)}</pubDate>
      <description>${book.blurb}</description>
    </item>
% endfor
  </channel>
</rss>
