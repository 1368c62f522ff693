// The workshop of one exercise: editor, commands, progress, verdict. Python is started when the learner turns to the
// editor, never before.

import { newEvent } from "../events.js";
import { announce, h } from "../review/dom.js";
import { codeDigest } from "./code-digest.js";
import { openEditor } from "./editor.js";
import { openGallery } from "./gallery.js";
import { hintBox, hintsOf } from "./hints.js";
import { Python, fetchJson } from "./python.js";
import { runResult } from "./run-result.js";
import { brokenBlock, core, marksOf, printedBlock, sentence, stepRow } from "./verdict.js";
import { olderCodeNotice } from "./older-code.js";
import { Work } from "./work.js";

/** @typedef {import("./verdict.js").Step} Step */

const SAVE_AFTER_MS = 300;
const RUNS_UNTIL_OPEN = 5;
const MAX_FILE_BYTES = 200_000;
const OUTCOMES = ["passed", "failed", "not_started", "local_only"];

const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);

/**
 * @param {HTMLElement} section
 * @param {import("../history/browser.js").History} history
 */
export async function openWorkshop(section, history) {
  const slug = section.dataset.workshop ?? "";
  const file = `exercises/${slug}/${slug}.py`;
  const data = await fetchJson(`${slug}.json`);
  new Workbench(section, history, slug, file, data);
}

class Workbench {
  /**
   * @param {HTMLElement} section
   * @param {import("../history/browser.js").History} history
   * @param {string} slug
   * @param {string} file
   * @param {{stub: string, version: number, what: string, files: Record<string, string>, compiled: Record<string, string>, steps: {n: number, title: string, stretch: boolean}[]}} data
   */
  constructor(section, history, slug, file, data) {
    Object.assign(this, { section, history, slug, file, data });
    this.section = section;
    this.history = history;
    this.slug = slug;
    this.file = file;
    this.data = data;
    this.work = new Work(slug, data.stub, data.version);
    this.python = new Python((progress) => this.showProgress(progress));
    this.hints = hintsOf(section.closest("[data-exercise]") ?? document);
    this.running = false;
    this.galleryOpen = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.saveTimer = undefined;

    const keys = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl+Enter";
    this.runButton = h("button", { type: "button", class: "rd-button rd-button--main", onclick: () => this.runOrStop() }, "Run", h("kbd", {}, keys));
    this.undoButton = h("button", { type: "button", class: "rd-button", hidden: true, onclick: () => this.undoReset() }, "Undo reset");
    this.picker = h("input", { type: "file", accept: ".py,text/x-python", class: "rd-said", id: "workshop-file", onchange: () => this.openFile() });
    this.saved = h("p", { class: "rd-workshop__saved" });
    this.progress = h("div", { class: "rd-workshop__progress", hidden: true });
    this.verdict = h("div", { class: "rd-verdict", hidden: true });
    this.after = h("div", { class: "rd-after", hidden: true });
    const frame = h("div", { class: "rd-editor" });
    const help = h("p", { class: "rd-workshop__help", id: "workshop-help" }, "Tab indents; Escape, then Tab, leaves the editor. ", h("code", {}, file), " is the file that pytest grades.");
    const tools = h(
      "div",
      { class: "rd-workshop__tools", role: "group", "aria-label": "What to do with the code" },
      this.runButton,
      h("button", { type: "button", class: "rd-button", onclick: () => this.reset() }, "Reset"),
      this.undoButton,
      h("button", { type: "button", class: "rd-button", onclick: () => this.download() }, "Download"),
      this.picker,
      h("label", { for: "workshop-file", class: "rd-button" }, "Open file"),
      this.saved,
    );
    section.querySelector(".rd-workshop__place")?.replaceChildren(tools, frame, help, this.progress, this.verdict, this.after);
    this.editor = openEditor(frame, {
      doc: this.work.code(),
      name: `Your code for ${slug}`,
      describedBy: "workshop-help",
      onChange: () => this.changed(),
      onRun: () => this.run(),
    });
    this.undoButton.hidden = this.work.aside === null;
    this.showSaved();
    if (this.work.older) frame.before(olderCodeNotice(data.what, { layOver: () => this.layOverStub(), keep: () => this.work.settle() }));
    this.work.watch((code) => this.fromAnotherTab(code));
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => this.save());
    this.startWhenReached(frame);
    this.offerGallery();
    section.dataset.state = "open";
  }

  /** @param {HTMLElement} frame */
  startWhenReached(frame) {
    const start = () => {
      watcher.disconnect();
      this.python.boot().catch(() => {});
    };
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && start(), { threshold: 0.1 });
    watcher.observe(frame);
    frame.addEventListener("focusin", start, { once: true });
  }

  /** @param {import("./python.js").Progress} progress */
  showProgress({ stage, loaded, total, reason }) {
    this.section.dataset.python = stage;
    if (stage === "ready") {
      this.progress.hidden = true;
      return;
    }
    this.progress.hidden = false;
    if (stage === "failed") {
      this.progress.replaceChildren(h("p", {}, `Python could not be started: ${reason}. `, h("button", { type: "button", class: "rd-link", onclick: () => this.python.boot().catch(() => {}) }, "Try again")));
      return;
    }
    const words = stage === "loading" ? `Loading Python: ${megabytes(loaded)} of ${megabytes(total)} MB` : `Starting Python (${megabytes(total)} MB loaded)`;
    let bar = this.progress.querySelector("progress");
    if (!bar) {
      bar = h("progress", { "aria-label": "Loading Python" });
      this.progress.replaceChildren(h("p", {}), bar);
    }
    bar.max = total;
    bar.value = Math.min(loaded, total);
    /** @type {HTMLElement} */ (this.progress.firstElementChild).textContent = words;
  }

  // The code

  changed() {
    clearTimeout(this.saveTimer);
    this.saveTimer = setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  save() {
    clearTimeout(this.saveTimer);
    const code = this.editor.code();
    if (code !== this.work.last) this.work.keep(code);
    this.showSaved();
  }

  showSaved() {
    this.saved.textContent = this.work.saved
      ? this.editor.code() === this.data.stub
        ? "Nothing written yet"
        : "Kept in this browser"
      : "This browser can't store your code: download the file before you leave";
  }

  /** @param {string} code */
  fromAnotherTab(code) {
    // What was typed here and is not written yet wins, and is written next; else both tabs show the same.
    if (this.editor.code() !== this.work.last || code === this.editor.code()) return;
    this.work.last = code;
    this.editor.replace(code);
  }

  /** @param {string} text @param {string} said */
  replaceCode(text, said) {
    const before = this.editor.code();
    if (before === text) {
      announce("The editor has this code already.");
      return;
    }
    this.work.setAside(before);
    this.editor.replace(text);
    this.save();
    this.undoButton.hidden = false;
    announce(said);
  }

  reset() {
    this.replaceCode(this.data.stub, "The stub is back. Undo reset returns your code.");
  }

  /** Puts the learner's code into the new stub; Python knows where definitions begin and end. */
  async layOverStub() {
    this.save();
    const result = await this.python.ask({ type: "lay", stub: this.data.stub, code: this.editor.code() });
    const text = result.kind === "done" ? result.text : null;
    if (typeof text !== "string") {
      const why = result.kind === "done" ? result.error : "Python ended";
      this.say(`Your code can't be laid over the new stub: ${why}. It is unchanged.`);
      return false;
    }
    this.replaceCode(text, "Your code is in the new stub. Undo reset returns it as it was.");
    this.work.settle();
    return true;
  }

  undoReset() {
    const aside = this.work.aside;
    if (aside === null) return;
    this.editor.replace(aside);
    this.work.setAside(null);
    this.save();
    this.undoButton.hidden = true;
    this.editor.view.focus();
    announce("Your code is back.");
  }

  download() {
    const url = URL.createObjectURL(new Blob([this.editor.code()], { type: "text/x-python" }));
    const link = h("a", { href: url, download: `${this.slug}.py` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    announce(`${this.slug}.py is downloaded; locally it belongs at ${this.file}.`);
  }

  async openFile() {
    const [chosen] = this.picker.files ?? [];
    this.picker.value = "";
    if (!chosen) return;
    if (chosen.size > MAX_FILE_BYTES) {
      this.say(`${chosen.name} has ${chosen.size} bytes; a file of an exercise has at most ${MAX_FILE_BYTES}.`);
      return;
    }
    this.replaceCode((await chosen.text()).replaceAll("\r\n", "\n"), `${chosen.name} is in the editor. Undo reset returns what was there.`);
  }

  // A run

  /** Shows one sentence where the verdict stands, and has it read. @param {string} text */
  say(text) {
    this.verdict.hidden = false;
    this.verdict.replaceChildren(h("p", { class: "rd-verdict__sentence" }, text));
    announce(text);
  }

  runOrStop() {
    if (this.running) this.python.stop?.();
    else this.run();
  }

  /** @param {boolean} running */
  setRunning(running) {
    this.running = running;
    const label = this.runButton.firstChild;
    if (label) label.textContent = running ? "Stop" : "Run";
    this.section.dataset.run = running ? "running" : "";
  }

  async run() {
    if (this.running) return;
    this.save();
    const code = this.editor.code();
    this.setRunning(true);
    const line = h("p", { class: "rd-verdict__sentence" }, "Running …");
    this.verdict.hidden = false;
    this.verdict.replaceChildren(line);
    announce("Running.");
    const result = await this.grade(code, (text) => {
      line.textContent = text;
    });
    this.setRunning(false);
    if (typeof result === "string") {
      this.editor.mark([]);
      this.say(result);
      return;
    }
    this.show(result);
    if (!result.broken && !result.ended) await this.record(code, result.steps);
    this.offerGallery();
  }

  /**
   * @param {string} code
   * @param {(text: string) => void} status
   */
  async grade(code, status) {
    const { slug } = this;
    try {
      const result = await this.python.ask({ type: "grade", slug, files: this.data.files, compiled: this.data.compiled, code }, (began) => {
        status(began.step ? `Running step ${began.step} …` : "Running …");
      });
      return runResult(result, this.data.steps);
    } catch (error) {
      return `Python could not be started: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** @param {Exclude<ReturnType<typeof runResult>, string>} result */
  show({ steps, broken, brokenLine, ended, printed, ms }) {
    const words = ended ?? (broken ? "No step could start." : sentence(steps));
    const first = steps.find((step) => step.outcome === "failed") ?? steps.find((step) => step.outcome === "not_started");
    const goTo = (/** @type {number} */ line) => this.editor.goTo(line);
    this.section.dataset.verdict = broken || ended ? "broken" : core(steps).done ? "passed" : "failed";
    this.verdict.replaceChildren(
      h("h3", { class: "rd-verdict__sentence" }, words),
      ...(broken ? [brokenBlock(broken, brokenLine, goTo)] : []),
      h(
        "ol",
        { class: "rd-verdict__steps" },
        ...steps.map((step) =>
          stepRow(broken ? { ...step, outcome: "not_run", tests: [] } : step, {
            goTo,
            hints: ["failed", "not_started"].includes(step.outcome) && !broken ? hintBox(step.n, this.hints.get(step.n) ?? []) : null,
            open: step === first && step.outcome === "failed",
          }),
        ),
      ),
      ...[printedBlock(printed)].filter((block) => block !== null),
      h("p", { class: "rd-verdict__time" }, ms ? `pytest took ${(ms / 1000).toFixed(1)} s in this page.` : ""),
    );
    this.editor.mark(broken && brokenLine ? [{ line: brokenLine, text: broken.split("\n")[0] ?? "" }] : marksOf(steps));
    announce(words);
  }

  /** The learner's own run, in the history that cards and journal use. @param {string} code @param {Step[]} steps */
  async record(code, steps) {
    const sha = await codeDigest(code);
    this.work.countRun(sha, core(steps).done);
    const outcomes = steps.filter((step) => OUTCOMES.includes(step.outcome)).map((step) => [String(step.n), step.outcome]);
    try {
      await this.history.add([newEvent("run", { slug: this.slug, steps: Object.fromEntries(outcomes), code_sha: sha, version: this.data.version }, Date.now() * 1000)]);
    } catch (error) {
      this.verdict.append(h("p", { class: "rd-verdict__time" }, `This run is not in the history: ${error instanceof Error ? error.message : String(error)}`));
    }
  }

  // What comes after

  offerGallery() {
    const { different, passed } = this.work.runs();
    const tried = different.length;
    if (this.galleryOpen || !(passed || tried >= RUNS_UNTIL_OPEN)) return;
    const why = passed ? "You have passed the core steps. Compare your code with ours." : `You have run ${tried} versions of your code. You may look at the solution now, if you want.`;
    const button = h("button", { type: "button", class: "rd-button", onclick: () => this.openGallery() }, "Show the solution and the wrong solutions");
    this.after.hidden = false;
    this.after.replaceChildren(h("p", {}, why), button);
  }

  async openGallery() {
    this.galleryOpen = true;
    await openGallery(this.after, this.slug, async (code, status) => {
      if (this.running) return "Wait until the other run has ended.";
      this.setRunning(true);
      const result = await this.grade(code, status);
      this.setRunning(false);
      return typeof result === "string" ? result : (result.ended ?? result.broken ?? result.steps);
    });
    /** @type {HTMLElement | null} */ (this.after.querySelector("#after"))?.focus();
  }
}
