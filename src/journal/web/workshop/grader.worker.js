// Python in a worker: boots Pyodide, grades an exercise or runs a sample, and says how far it is. One at a time.
//
// The page sends {type: "boot", base, runtime}, then {type: "grade", id, slug, files, code} or {type: "run", id, code};
// it is told {type: "progress" | "ready" | "began" | "done" | "dead", …}. A worker that is dead, or that no longer
// answers, is thrown away by the page: nothing in here can end code that never gives control back.

import { callGrading, startGrading } from "./grading.js";

/** @typedef {{folder: string, files: Record<"wasm" | "stdlib" | "packages", string>, sizes: Record<string, number>, engine: Record<string, string>}} Runtime */

const post = (/** @type {Record<string, unknown>} */ message) => self.postMessage(message);

/** @type {any} */
let python;

/** @type {Set<string>} */
const prepared = new Set();

/** @param {any} data */
async function boot({ base, runtime }) {
  const folder = new URL(`${runtime.folder}/`, base).href;
  const { sizes, files } = /** @type {Runtime} */ (runtime);
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  let loaded = 0;
  const report = (/** @type {number} */ more) => post({ type: "progress", stage: "loading", loaded: (loaded += more), total });

  /** Fetches a file of the runtime and counts its bytes as they come.
   * @param {string} name */
  async function fetched(name) {
    const answer = await fetching(folder + name);
    if (!answer.ok || !answer.body) throw new Error(`${folder}${name}: ${answer.status}`);
    return answer.body.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          report(chunk.byteLength);
          controller.enqueue(chunk);
        },
      }),
    );
  }

  // Pyodide asks for its WebAssembly by a fixed name. It is shipped as gzip, so that no host sends it at full length.
  const fetching = self.fetch.bind(self);
  const wasm = fetched(files.wasm).then((body) => body.pipeThrough(new DecompressionStream("gzip")));
  self.fetch = async (/** @type {any} */ input, /** @type {any} */ options) => {
    const url = String(input?.url ?? input);
    if (!url.endsWith("/pyodide.asm.wasm")) return fetching(input, options);
    return new Response(await wasm, { headers: { "Content-Type": "application/wasm" } });
  };
  const archive = fetched(files.packages).then((body) => new Response(body).arrayBuffer());
  const { loadPyodide } = await import(/* @vite-ignore */ `${folder}pyodide.mjs`);
  python = await loadPyodide({
    indexURL: folder,
    stdLibURL: folder + files.stdlib,
    lockFileContents: JSON.stringify({ info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten", version: "0", python: "3.14.2" }, packages: {} }),
    stdout: () => {},
    stderr: () => {},
  });
  self.fetch = fetching;
  post({ type: "progress", stage: "starting", loaded: total, total });
  python.unpackArchive(await archive, "zip", { extractDir: "/lib/python3.14/site-packages" });
  startGrading(python, runtime.engine, runtime.compiled);
  post({ type: "ready" });
}

/** @param {string} name @param {...unknown} values */
const call = (name, ...values) => callGrading(python, name, ...values);

/** @type {Record<string, (data: any) => unknown>} */
const acts = {
  boot,
  grade({ id, slug, files, compiled, code }) {
    // The tests are written again each time: what an earlier run did to them does not last.
    call("prepare", files);
    if (!prepared.has(slug)) call("prepare_compiled", compiled);
    prepared.add(slug);
    let told = "";
    let steps = {};
    const tell = (/** @type {string} */ test, /** @type {number | null} */ step, /** @type {string} */ text) => {
      if (text !== told) steps = JSON.parse((told = text));
      post({ type: "began", id, test, step: step ?? null, steps });
    };
    post({ type: "done", id, ...JSON.parse(call("grade", slug, code, tell)) });
  },
  lay({ id, stub, code }) {
    post({ type: "done", id, ...JSON.parse(call("lay_over_stub", stub, code)) });
  },
  run({ id, code }) {
    post({ type: "done", id, ...JSON.parse(call("run_sample", code)) });
  },
};

self.onmessage = async ({ data }) => {
  try {
    await acts[data.type]?.(data);
  } catch (error) {
    // Python itself is gone (os._exit, no memory left), or it could not be loaded.
    post({ type: "dead", id: data.id, act: data.type, reason: String(error instanceof Error ? error.message : error).slice(-2000) });
  }
};
