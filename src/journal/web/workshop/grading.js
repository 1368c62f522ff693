// Puts the engine, src/grading, into a Pyodide and calls it: the same in the page's worker and in Node.

const FILES = "src/grading/page_files.py";

/**
 * Writes the engine and what was compiled of it, and gets it ready to grade.
 * @param {any} python
 * @param {Record<string, string>} engine files of src/grading and the conftest, by path
 * @param {Record<string, string>} [compiled]
 */
export function startGrading(python, engine, compiled = {}) {
  // Run, not imported: an import of the engine before its compiled files are there would compile it again.
  const write = python.toPy({});
  python.runPython(engine[FILES], { globals: write });
  write.get("prepare")(python.toPy(engine));
  write.get("prepare_compiled")(python.toPy(compiled));
  write.get("find_the_engine")();
  write.destroy();
  callGrading(python, "warm_up");
}

/**
 * Calls a function of grading.in_page from synchronous code: an async entry would leave Pyodide's own loop running.
 * @param {any} python
 * @param {string} name
 * @param {...unknown} values
 */
export function callGrading(python, name, ...values) {
  const given = values.map((value) => (typeof value === "object" ? python.toPy(value) : value));
  python.globals.set("_given", python.toPy(given));
  return python.runPython(`from grading import in_page; in_page.${name}(*_given)`);
}
