// Grades a stub in Node by the page's own grader: `node page_grading_node.mjs WEB_FOLDER_URL`, the job on standard input.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const web = process.argv[2];
const { loadPyodide } = await import(new URL("node_modules/pyodide/pyodide.mjs", web));
const { callGrading, startGrading } = await import(new URL("workshop/grading.js", web));
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { site, slug, code, rounds } = JSON.parse(text);
const read = (...parts) => readFileSync(join(site, "assets", ...parts));
const runtime = JSON.parse(read("workshop", "runtime.json").toString());
const data = JSON.parse(read("workshop", `${slug}.json`).toString());
const python = await loadPyodide({ stdLibURL: join(site, "assets", runtime.folder, runtime.files.stdlib), stdout() {}, stderr() {} });
python.unpackArchive(new Uint8Array(read(runtime.folder, runtime.files.packages)), "zip", { extractDir: "/lib/python3.14/site-packages" });
startGrading(python, runtime.engine, runtime.compiled);
const call = (name, ...values) => callGrading(python, name, ...values);
call("prepare", data.files);
call("prepare_compiled", data.compiled);
call("grade", slug, code, () => {});
const times = [];
for (let round = 0; round < rounds; round += 1) {
  const began = performance.now();
  call("grade", slug, `${code}\n# ${round}\n`, () => {});
  times.push(performance.now() - began);
}
process.stdout.write(JSON.stringify(times));
