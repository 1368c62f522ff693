// Compiles harness and tests ahead of time, by doing what the page does: one grade of each stub, in the very Pyodide and
// with the very packages of the page. What Python and pytest then left in their caches is shipped.
// Arguments: the runtime's folder. Standard input: {runtime, exercises: [{slug, stub, files}]}. Standard output: JSON,
// path → a .pyc, deflated, as base64.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPyodide } from "pyodide";

const folder = process.argv[2] ?? "";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { runtime, exercises } = JSON.parse(text);
const python = await loadPyodide({ stdLibURL: join(folder, runtime.files.stdlib), stdout() {}, stderr() {} });
const packages = new Uint8Array(readFileSync(join(folder, runtime.files.packages)));
const library = "/lib/python3.14/site-packages";
python.unpackArchive(packages, "zip", { extractDir: library });
python.FS.mkdirTree("/redrive");
python.FS.writeFile(`${library}/redrive_grader.py`, readFileSync(new URL("grader.py", import.meta.url)));
python.runPython("import importlib; importlib.invalidate_caches()");
/** @param {string} name @param {...unknown} values */
function call(name, ...values) {
  python.globals.set("_given", python.toPy(values));
  return python.runPython(`import redrive_grader; redrive_grader.${name}(*_given)`);
}
call("prepare", runtime.harness);
call("warm_up");
for (const { slug, stub, files } of exercises) {
  call("prepare", files);
  call("grade", slug, stub, () => {});
}
process.stdout.write(call("compiled_files", exercises.map((/** @type {{slug: string}} */ { slug }) => slug)));
