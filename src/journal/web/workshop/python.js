// Python for a page: one worker that grades, one spare that takes its place when code never ends, and what the page may
// say of both. Nothing is fetched before `boot()`.

/** The site's folder `assets/`, seen from this script, which lies in `assets/web/`. */
const ASSETS = new URL("../", /** @type {HTMLScriptElement} */ (document.currentScript).src).href;

/** How long one test may run before the worker is ended; the engine ends most endless loops itself, after 10 s. */
export const LIMIT_MS = 15_000;
/** The first message of a grade comes when the files are written and imported. */
const IMPORT_LIMIT_MS = 30_000;
/** The server's proofs wait for as long as one grade may last; its end lets them go on. */
const PAUSE_S = 120;
const SPARE_AFTER_MS = 1500;
const SPARE_NEEDS_GB = 4;

/**
 * @typedef {{stage: "loading" | "starting" | "ready" | "failed", loaded: number, total: number, reason?: string}} Progress
 * @typedef {{test: string, step: number | null, steps: Record<string, string>}} Began
 * @typedef {{kind: "done", report: any, printed: {test: string, text: string}[], error: string | null, ms: number, code_sha?: string, text?: string | null}} Done
 * @typedef {{kind: "stuck", began: Began | null, limitMs: number}} Stuck
 * @typedef {{kind: "dead", reason: string, began: Began | null}} Dead
 * @typedef {{kind: "stopped", began: Began | null}} Stopped
 */

/** @param {string} name @returns {Promise<any>} */
export async function fetchJson(name) {
  const answer = await fetch(`${ASSETS}workshop/${name}`);
  if (!answer.ok) throw new Error(`${name} did not come (${answer.status}); reload the page`);
  return answer.json();
}

/** Why Python cannot run in this page; null when it can. */
export function whyNot() {
  if (location.protocol === "file:") return "disk";
  return typeof Worker === "function" && typeof WebAssembly === "object" && typeof DecompressionStream === "function"
    ? null
    : "browser";
}

class Interpreter {
  /** @param {any} runtime @param {(progress: Progress) => void} tell */
  constructor(runtime, tell) {
    this.worker = new Worker(`${ASSETS}web/grader.worker.js`, { type: "module", name: "python" });
    /** @type {((data: any) => void) | null} */
    this.listener = null;
    this.alive = true;
    /** @type {Promise<void>} */
    this.ready = new Promise((resolve, reject) => {
      const failed = (/** @type {string} */ reason) => {
        this.alive = false;
        reject(new Error(reason));
        this.listener?.({ type: "dead", reason });
      };
      this.worker.onerror = (event) => failed(event.message || "the worker's script did not load");
      this.worker.onmessage = ({ data }) => {
        if (data.type === "progress") tell(data);
        else if (data.type === "ready") resolve();
        else if (data.type === "dead") failed(data.reason);
        else this.listener?.(data);
      };
    });
    this.ready.catch(() => {});
    this.worker.postMessage({ type: "boot", base: ASSETS, runtime });
  }

  end() {
    this.alive = false;
    this.worker.terminate();
  }
}

/** The server on this machine runs no proofs while an exercise runs here; a static host has none. @param {number} seconds */
function quietServer(seconds) {
  if (!document.querySelector('meta[name="redrive-history"]')) return;
  fetch(`/-/proofs?pause=${seconds}`, { headers: { "X-Redrive": "1" } }).catch(() => {});
}

export class Python {
  /** @param {(progress: Progress) => void} tell is called as loading goes on, from `boot()` on */
  constructor(tell) {
    this.tell = tell;
    /** @type {Interpreter | null} */
    this.main = null;
    /** @type {Interpreter | null} */
    this.spare = null;
    /** @type {any} */
    this.runtime = null;
    /** @type {Promise<any> | null} */
    this.fetching = null;
    /** @type {(() => void) | null} */
    this.stop = null;
    this.asked = 0;
  }

  /** Starts Python, once; resolves when it can grade. */
  async boot() {
    this.fetching ??= fetchJson("runtime.json").catch((error) => {
      this.fetching = null;
      throw error;
    });
    try {
      this.runtime = await this.fetching;
      const main = this.living();
      await main.ready;
      this.tell({ stage: "ready", loaded: 0, total: 0 });
    } catch (error) {
      this.tell({ stage: "failed", loaded: 0, total: 0, reason: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  /** The interpreter that is next to work: the one there is, the spare, or a new one. */
  living() {
    if (!this.main?.alive) {
      this.main = this.spare?.alive ? this.spare : new Interpreter(this.runtime, this.tell);
      this.spare = null;
    }
    return this.main;
  }

  /**
   * Sends one piece of work and waits for its end, whatever that is.
   * @param {Record<string, unknown>} message
   * @param {(began: Began) => void} [onBegan]
   * @returns {Promise<Done | Stuck | Dead | Stopped>}
   */
  async ask(message, onBegan = () => {}) {
    quietServer(PAUSE_S);
    await this.boot();
    const main = this.living();
    await main.ready;
    const id = ++this.asked;
    return new Promise((resolve) => {
      /** @type {Began | null} */
      let began = null;
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      const finish = (/** @type {any} */ result) => {
        clearTimeout(timer);
        main.listener = null;
        this.stop = null;
        quietServer(0);
        if (result.kind !== "done") main.end();
        this.prepareSpare(result.kind !== "done");
        resolve(result);
      };
      const wait = (/** @type {number} */ limitMs) => {
        clearTimeout(timer);
        timer = setTimeout(() => finish({ kind: "stuck", began, limitMs }), limitMs);
      };
      main.listener = (data) => {
        if (data.type === "dead") return finish({ kind: "dead", reason: data.reason, began });
        if (data.id !== id) return;
        if (data.type === "done") return finish({ ...data, kind: "done" });
        began = data;
        onBegan(data);
        wait(LIMIT_MS);
      };
      this.stop = () => finish({ kind: "stopped", began });
      wait(message.type === "run" ? LIMIT_MS : IMPORT_LIMIT_MS);
      main.worker.postMessage({ ...message, id });
    });
  }

  /** Keeps a second interpreter at hand, where there is memory for it; at once when the first has just been ended.
   * @param {boolean} needed */
  prepareSpare(needed) {
    if (needed) {
      this.living();
      return;
    }
    const memory = /** @type {any} */ (navigator).deviceMemory ?? SPARE_NEEDS_GB;
    if (this.spare || memory < SPARE_NEEDS_GB) return;
    setTimeout(() => {
      this.spare ??= new Interpreter(this.runtime, () => {});
    }, SPARE_AFTER_MS);
  }
}
