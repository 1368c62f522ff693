// The editor: CodeMirror with what Python needs and nothing more. Escape, then Tab, leaves it.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  GutterMarker,
  drawSelection,
  gutter,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { python } from "./python-mode.js";

/** @typedef {{line: number, text: string}} Mark a line of the learner's and what is said of it */

/** @type {import("@codemirror/state").StateEffectType<Mark[]>} */
const setMarks = StateEffect.define();

class Flag extends GutterMarker {
  /** @param {string} text */
  constructor(text) {
    super();
    this.text = text;
  }

  toDOM() {
    const flag = document.createElement("span");
    flag.className = "rd-editor__flag";
    flag.textContent = "✗";
    flag.title = this.text;
    return flag;
  }
}

const marked = StateField.define({
  create: () => Decoration.none,
  update(decorations, transaction) {
    let next = decorations.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { doc } = transaction.state;
      next = Decoration.set(
        effect.value
          .filter(({ line }) => line >= 1 && line <= doc.lines)
          .map(({ line, text }) =>
            Decoration.line({ class: "rd-editor__line", attributes: { title: text }, text }).range(doc.line(line).from),
          ),
        true,
      );
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const flags = gutter({
  class: "rd-editor__flags",
  lineMarker(view, line) {
    let flag = null;
    view.state.field(marked).between(line.from, line.from, (_from, _to, decoration) => {
      flag = new Flag(decoration.spec.text);
    });
    return flag;
  },
  lineMarkerChange: (update) => update.startState.field(marked) !== update.state.field(marked),
  initialSpacer: () => new Flag(""),
});

const reading = [lineNumbers(), python, EditorView.lineWrapping];

/**
 * @param {HTMLElement} parent
 * @param {{doc: string, name: string, describedBy: string, onChange: (code: string) => void, onRun: () => void}} options
 */
export function openEditor(parent, { doc, name, describedBy, onChange, onRun }) {
  const run = () => {
    onRun();
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc,
      extensions: [
        flags,
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        indentUnit.of("    "),
        EditorState.tabSize.of(4),
        EditorState.allowMultipleSelections.of(true),
        python,
        marked,
        keymap.of([
          { key: "Mod-Enter", run, preventDefault: true },
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ "aria-label": name, "aria-describedby": describedBy, tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    view,
    code: () => view.state.doc.toString(),
    /** Replaces everything, as one step that the editor's own undo takes back. @param {string} text */
    replace(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, effects: setMarks.of([]) });
    },
    /** @param {Mark[]} marks */
    mark: (marks) => view.dispatch({ effects: setMarks.of(marks) }),
    /** Puts the cursor on a line and shows it. @param {number} line */
    goTo(line) {
      const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines)).from;
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
  };
}

/**
 * Shows code that is not to be edited.
 * @param {HTMLElement} parent
 * @param {string} doc
 * @param {string} name
 */
export function showCode(parent, doc, name) {
  return new EditorView({
    parent,
    state: EditorState.create({
      doc,
      extensions: [
        ...reading,
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.contentAttributes.of({ "aria-label": name, tabindex: "0", role: "textbox", "aria-readonly": "true", "aria-multiline": "true" }),
      ],
    }),
  });
}
