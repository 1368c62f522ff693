// Where the history is, and what can be done with it: export, import, reset.

import { MAX_IMPORT_BYTES, exported, imported } from "../history/transfer.js";
import { NAME } from "../journal-name.js";
import { announce, count, h } from "./dom.js";

const WHERE = {
  browser: "This browser keeps it, on this device and nowhere else. If you clear the site's data, it is deleted.",
  memory: "This browser can't store anything for this page, so your answers last until you close it. Export them to keep them.",
  shared: "It is the journal's own file on this machine (.redrive/history.jsonl, unless you named another). The terminal and the notebook use the same file.",
};

/**
 * @param {import("../sitting.js").Desk} desk
 * @param {() => void} changed called after an import or a reset
 */
export function historyPanel(desk, changed) {
  const { history } = desk;
  const size = h("p", {});
  const said = h("p", { class: "rd-history__said" });
  const say = (/** @type {string} */ text) => {
    said.textContent = text;
    announce(text);
  };

  const file = h("input", { type: "file", accept: ".jsonl,.txt,application/json", id: "rd-import", class: "rd-said" });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    try {
      if (chosen.size > MAX_IMPORT_BYTES) throw new Error(`The file has ${chosen.size} bytes; at most ${MAX_IMPORT_BYTES} can be imported.`);
      const { events, problems } = imported(await chosen.text());
      const added = await history.add(events);
      const rest = problems.length ? ` ${count(problems.length, "line")} left out; the first: ${problems[0]}.` : "";
      say(`${count(added, "event")} added, ${events.length - added} already here.${rest}`);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
    file.value = "";
    changed();
  });

  const save = () => {
    const url = URL.createObjectURL(new Blob([exported(history.events())], { type: "application/jsonl" }));
    h("a", { href: url, download: `${NAME}-history.jsonl` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    say(`${count(history.events().length, "event")} exported.`);
  };

  const actions = h(
    "div",
    { class: "rd-history__actions" },
    h("button", { type: "button", class: "rd-button", onclick: save }, "Export"),
    file,
    h("label", { for: "rd-import", class: "rd-button" }, "Import"),
  );
  if (history.clear) actions.append(resetButton(desk, say, changed));

  const update = () => {
    size.textContent = `${count(history.events().length, "event")}. ${WHERE[history.kind]}`;
  };
  update();
  const element = h("section", { class: "rd-history", "aria-label": "Your history" }, h("h2", {}, "Your history"), size, actions, said);
  return { element, update };
}

/**
 * @param {import("../sitting.js").Desk} desk
 * @param {(text: string) => void} say
 * @param {() => void} changed
 */
function resetButton(desk, say, changed) {
  const { history } = desk;
  const ask = h("button", { type: "button", class: "rd-button", onclick: () => open() }, "Reset…");
  const words = h("span", {});
  const keep = h("button", { type: "button", class: "rd-button", onclick: () => close() }, "Keep them");
  const forget = h(
    "button",
    {
      type: "button",
      class: "rd-button rd-button--danger",
      onclick: () => {
        history.clear?.();
        desk.answers = [];
        say("The history of this browser is deleted.");
        close();
        changed();
      },
    },
    "Delete them",
  );
  const box = h("span", { class: "rd-history__sure", role: "group", "aria-label": "Confirm the reset", hidden: true }, words, keep, forget);
  box.addEventListener("keydown", (event) => event.key === "Escape" && close());
  function open() {
    words.textContent = `Delete ${count(history.events().length, "event")} from this browser for good?`;
    box.hidden = false;
    ask.hidden = true;
    keep.focus();
  }
  function close() {
    box.hidden = true;
    ask.hidden = false;
    ask.focus();
  }
  return h("span", {}, ask, box);
}
