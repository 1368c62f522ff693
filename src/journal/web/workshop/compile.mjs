// Runs compile.py in the very Pyodide that the page loads. Arguments: folder of sources, prefix of their names in
// tracebacks, zip to write; any number of such triples.

import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { loadPyodide } from "pyodide";

const python = await loadPyodide();
python.runPython(readFileSync(new URL("compile.py", import.meta.url), "utf8"));
const compileFolder = python.globals.get("compile_folder");
const { FS } = python;
for (let at = 2; at < process.argv.length; at += 3) {
  const [folder = "", prefix = "", target = ""] = process.argv.slice(at, at + 3);
  for (const [mount, root] of [["/from", folder], ["/to", dirname(target)]]) {
    FS.mkdirTree(mount);
    FS.mount(FS.filesystems.NODEFS, { root }, mount);
  }
  compileFolder("/from", prefix, join("/to", basename(target)));
  FS.unmount("/from");
  FS.unmount("/to");
}
