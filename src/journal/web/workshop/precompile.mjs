// Compiles engine and tests ahead of time, by doing what the page does: one grade of each stub, in the very Pyodide and
// with the very packages of the page. What Python and pytest then left in their caches is shipped.
// Arguments: the runtime's folder. Standard input: {runtime, exercises: [{slug, stub, files}]}. Standard output: JSON,
// path → a .pyc, deflated, as base64.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPyodide } from "pyodide";
import { callGrading, startGrading } from "./grading.js";

const folder = process.argv[2] ?? "";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { runtime, exercises } = JSON.parse(text);
const python = await loadPyodide({ stdLibURL: join(folder, runtime.files.stdlib), stdout() {}, stderr() {} });
const packages = new Uint8Array(readFileSync(join(folder, runtime.files.packages)));
const library = "/lib/python3.14/site-packages";
python.unpackArchive(packages, "zip", { extractDir: library });
startGrading(python, runtime.engine);
/** @param {string} name @param {...unknown} values */
const call = (name, ...values) => callGrading(python, name, ...values);
for (const { slug, stub, files } of exercises) {
  call("prepare", files);
  call("grade", slug, stub, () => {});
}
process.stdout.write(call("compiled_files", exercises.map((/** @type {{slug: string}} */ { slug }) => slug)));
