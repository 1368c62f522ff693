// A lesson's samples that run: a fence marked ```{.python .runnable} gets a button and shows what it prints. Python is
// fetched when one is pressed, not before.

import { announce, h } from "../review/dom.js";
import { Python, whyNot } from "./python.js";

const samples = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".runnable")]);
if (samples.length && !whyNot()) {
  /** @type {HTMLElement | null} */
  let status = null;
  const python = new Python(({ stage, loaded, total }) => {
    if (status && stage === "loading") status.textContent = `Loading Python: ${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
  });
  for (const sample of samples) {
    const code = sample.querySelector("code")?.textContent ?? "";
    const said = h("p", {});
    const out = h("div", { class: "rd-sample__out" });
    const button = h("button", { type: "button", class: "rd-button" }, "Run this");
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      status = said;
      said.textContent = "Running …";
      try {
        const result = await python.ask({ type: "run", code });
        const printed = result.kind === "done" ? /** @type {string} */ (/** @type {unknown} */ (result.printed)) : "";
        const error = result.kind === "done" ? result.error : "it did not end, or it ended Python itself; Python was restarted";
        said.textContent = error ? `It failed: ${error}` : printed ? "It printed:" : "It ended and printed nothing.";
        out.replaceChildren(...(printed ? [h("pre", { tabindex: "0" }, h("code", {}, printed))] : []));
      } catch (error) {
        said.textContent = `Python could not be started: ${error instanceof Error ? error.message : String(error)}`;
      }
      button.removeAttribute("aria-disabled");
      announce(said.textContent);
    });
    sample.after(h("div", { class: "rd-sample" }, h("div", { class: "rd-sample__bar" }, button, said), out));
  }
}
