<%! from benchmarks.parts import HEAD %>\
${HEAD | n}${await_(last) | n}</body></html>
