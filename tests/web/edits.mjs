// Applies the edits of wrong solutions with the page's own code: {solution, edits} a line on stdin, {code, shown} a line on
// stdout, which tests/web/test_gallery_edits.py reads.

import { createInterface } from "node:readline";

const { difference, edited } = await import(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  const { solution, edits } = JSON.parse(line);
  console.log(JSON.stringify({ code: edited(solution, edits), shown: difference(solution, edits) }));
}
