// Figures that a reader can change: a question first, then sliders over frames that were worked out when the site was built.

import { h } from "./review/dom.js";

/**
 * @typedef {{ label: string, values: string[], default: number }} Control
 * @typedef {{ d: Record<string, string>, words: string }} Frame
 * @typedef {{ question: string, unit: string, low: number, high: number, answer: number }} Guess
 * @typedef {{ name: string, guess: Guess, controls: Control[], frames: Frame[] }} Figure
 */

/** @param {number} value */
const written = (value) => value.toLocaleString("en-GB", { maximumFractionDigits: 2 });

class FigureView {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    const data = element.querySelector("script");
    /** @type {Figure} */
    this.figure = JSON.parse(data?.textContent ?? "");
    this.places = this.figure.controls.map((control) => control.default);
    this.words = /** @type {HTMLElement} */ (element.querySelector("figcaption span"));
    this.caption = /** @type {HTMLElement} */ (element.querySelector("figcaption"));
    this.ask();
  }

  /** Ask for a guess, and keep the answer back until there is one. */
  ask() {
    const { question, unit, low, high } = this.figure.guess;
    const id = `figure-${this.figure.name}-guess`;
    const shown = h("output", { for: id }, `${written((low + high) / 2)} ${unit}`);
    const slider = h("input", {
      type: "range", id, min: String(low), max: String(high), step: String((high - low) / 100), value: String((low + high) / 2),
      oninput: () => { shown.textContent = `${written(slider.valueAsNumber)} ${unit}`; },
    });
    this.asking = h("form", {
      class: "rd-figure__controls",
      onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.answer(slider.valueAsNumber); },
    },
      h("label", { for: id }, `First a guess. ${question}`), slider, shown,
      h("button", { class: "rd-button", type: "submit" }, "Show"),
    );
    this.element.classList.add("rd-figure--asking");
    this.words.hidden = true;
    this.caption.after(this.asking);
  }

  /** @param {number} guess */
  answer(guess) {
    const { answer, unit } = this.figure.guess;
    this.element.classList.remove("rd-figure--asking");
    this.words.hidden = false;
    this.asking?.remove();
    const said = h("p", { class: "rd-figure__answer", tabindex: "-1" }, `You guessed ${written(guess)} ${unit}. It is ${written(answer)} ${unit}.`);
    this.words.setAttribute("aria-live", "polite");
    this.caption.after(said, h("div", { class: "rd-figure__controls", role: "group", "aria-label": "Change the figure" },
      ...this.figure.controls.map((control, index) => this.control(control, index))));
    said.focus();
  }

  /**
   * A slider, or a list for the third control, which is a choice between presets.
   * @param {Control} control
   * @param {number} index
   */
  control(control, index) {
    const id = `figure-${this.figure.name}-${index}`;
    const label = h("label", { for: id }, control.label);
    const move = (/** @type {number} */ place) => { this.places[index] = place; this.show(); };
    if (index > 1) {
      const list = h("select", { id, onchange: () => move(list.selectedIndex) },
        ...control.values.map((value, place) => h("option", { selected: place === control.default }, value)));
      return h("div", {}, label, list);
    }
    const text = (/** @type {number} */ place) => control.values[place] ?? "";
    const shown = h("output", { for: id }, text(control.default));
    const slider = h("input", {
      type: "range", id, min: "0", max: String(control.values.length - 1), step: "1", value: String(control.default),
      "aria-valuetext": text(control.default),
      oninput: () => {
        shown.textContent = text(slider.valueAsNumber);
        slider.setAttribute("aria-valuetext", text(slider.valueAsNumber));
        move(slider.valueAsNumber);
      },
    });
    return h("div", {}, label, slider, shown);
  }

  /** Draw the frame that the controls stand for. */
  show() {
    const index = this.figure.controls.reduce((sum, control, at) => sum * control.values.length + (this.places[at] ?? 0), 0);
    const frame = this.figure.frames[index];
    if (!frame) return;
    for (const [series, path] of Object.entries(frame.d)) {
      document.querySelector(`#${CSS.escape(`${this.figure.name}-series-${series}`)} path`)?.setAttribute("d", path);
    }
    this.words.textContent = frame.words;
  }
}

for (const element of document.querySelectorAll("figure[data-figure]")) new FigureView(/** @type {HTMLElement} */ (element));
