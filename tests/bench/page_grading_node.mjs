// Grades a stub in Node by the page's own grader: `node page_grading_node.mjs WEB_FOLDER_URL`, the job on standard input.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const web = process.argv[2];
const { loadPyodide } = await import(new URL("node_modules/pyodide/pyodide.mjs", web));
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { site, slug, code, rounds } = JSON.parse(text);
const read = (...parts) => readFileSync(join(site, "assets", ...parts));
const runtime = JSON.parse(read("workshop", "runtime.json").toString());
const data = JSON.parse(read("workshop", `${slug}.json`).toString());
const python = await loadPyodide({ stdLibURL: join(site, "assets", runtime.folder, runtime.files.stdlib), stdout() {}, stderr() {} });
python.unpackArchive(new Uint8Array(read(runtime.folder, runtime.files.packages)), "zip", { extractDir: "/lib/python3.14/site-packages" });
python.FS.mkdirTree("/redrive");
python.FS.writeFile("/lib/python3.14/site-packages/redrive_grader.py", readFileSync(new URL("workshop/grader.py", web)));
const call = (name, ...values) => {
  python.globals.set("_given", python.toPy(values));
  return python.runPython(`import importlib; importlib.invalidate_caches(); import redrive_grader; redrive_grader.${name}(*_given)`);
};
call("prepare", runtime.harness);
call("prepare_compiled", runtime.compiled);
call("warm_up");
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
