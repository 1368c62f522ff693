// Draws graphs: reads {name: DOT} as JSON from standard input, and writes {name: {svg} or {error}} to standard output.

import { Graphviz } from "@hpcc-js/wasm-graphviz";

let given = "";
for await (const part of process.stdin) given += part;

const graphviz = await Graphviz.load();
/** @type {Record<string, {svg: string} | {error: string}>} */
const answers = {};
for (const [name, dot] of Object.entries(JSON.parse(given))) {
  try {
    answers[name] = { svg: graphviz.dot(String(dot)) };
  } catch (error) {
    answers[name] = { error: error instanceof Error ? error.message : String(error) };
  }
}
process.stdout.write(JSON.stringify(answers));
