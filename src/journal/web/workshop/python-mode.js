// Colours and indentation of Python for the editor, line by line. A whole parser would weigh 25 kB more and say no more
// than this does: what runs the code says what is wrong with it.

import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const KEYWORDS = new Set(
  ("and as assert async await break case class continue def del elif else except finally for from global if import in is " +
    "lambda match nonlocal not or pass raise return try type while with yield").split(" "),
);
const CONSTANTS = new Set(["True", "False", "None", "self", "cls", "Ellipsis", "NotImplemented"]);
const INDENT = 4;
const STRING_START = /^(?:[rbfut]{1,2})?("""|'''|"|')/i;
const NUMBER = /^(?:0[xob][\da-f_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d[\d_]*)?j?)/i;

/**
 * @typedef {object} State
 * @property {string} quote the quote that ends the string we are in, or ""
 * @property {boolean} raw
 * @property {string} before the keyword before: the name after `def` or `class` is a definition
 * @property {number} depth of brackets
 */

/**
 * Goes on to the end of a string, or of the line.
 * @param {import("@codemirror/language").StringStream} stream
 * @param {State} state
 */
function string(stream, state) {
  while (!stream.eol()) {
    if (stream.match(state.quote)) {
      state.quote = "";
      return "string";
    }
    if (stream.next() === "\\" && !stream.eol()) stream.next();
  }
  // A string in single quotes ends with its line, unless the line goes on.
  if (state.quote.length === 1 && !stream.string.endsWith("\\")) state.quote = "";
  return "string";
}

/** @type {import("@codemirror/language").StreamParser<State>} */
const parser = {
  name: "python",
  startState: () => ({ quote: "", raw: false, before: "", depth: 0 }),
  copyState: (state) => ({ ...state }),
  token(stream, state) {
    if (state.quote) return string(stream, state);
    if (stream.eatSpace()) return null;
    if (stream.peek() === "#") {
      stream.skipToEnd();
      return "comment";
    }
    const opened = /** @type {RegExpMatchArray | null} */ (stream.match(STRING_START));
    if (opened) {
      state.quote = opened[1] ?? "";
      return string(stream, state);
    }
    const before = state.before;
    state.before = "";
    if (stream.match(NUMBER)) return "number";
    const word = /** @type {RegExpMatchArray | null} */ (stream.match(/^[\p{L}_][\p{L}\p{N}_]*/u));
    if (word) {
      const name = word[0];
      // `type`, `match` and `case` are names everywhere but at the start of a statement.
      const soft = ["type", "match", "case"].includes(name) && (stream.column() !== stream.indentation() || !/^\s+[\w("'[{*-]/.test(stream.string.slice(stream.pos)));
      if (KEYWORDS.has(name) && !soft) {
        state.before = name;
        return "keyword";
      }
      if (CONSTANTS.has(name)) return "bool";
      if (before === "def" || before === "class" || stream.peek() === "(") return "variableName.function";
      return "variableName";
    }
    const char = stream.next() ?? "";
    if ("([{".includes(char)) state.depth += 1;
    if (")]}".includes(char)) state.depth = Math.max(0, state.depth - 1);
    if (char === "@" && stream.column() === stream.indentation()) stream.match(/^[\w.]+/);
    return "operator";
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", "'", '"'] }, indentOnInput: /^\s*(?:\}|\]|\)|else:|elif .*:|except.*:|finally:)$/ },
  /** @param {State} state @param {string} textAfter @param {any} context */
  indent(state, textAfter, context) {
    const line = context.lineAt(context.pos, -1);
    let above = line.text;
    let at = line.from;
    while (!above.trim() && at > 0) ({ text: above, from: at } = context.lineAt(at - 1, -1));
    const own = above.length - above.trimStart().length;
    const code = above.replace(/#.*$/, "").trimEnd();
    if (state.quote.length === 3) return own;
    if (/[([{]$/.test(code)) return own + INDENT;
    if (state.depth) return /^[)\]}]/.test(textAfter) ? Math.max(0, own - INDENT) : own;
    if (code.endsWith(":")) return own + INDENT;
    const leaves = /^\s*(?:return|raise|pass|break|continue)\b/.test(code);
    const closes = /^(?:else|elif|except|finally)\b/.test(textAfter);
    return Math.max(0, own - (leaves || closes ? INDENT : 0));
  },
};

const colours = HighlightStyle.define([
  { tag: tags.keyword, class: "rd-code-keyword" },
  { tag: tags.function(tags.variableName), class: "rd-code-function" },
  { tag: tags.string, class: "rd-code-string" },
  { tag: tags.comment, class: "rd-code-comment" },
  { tag: tags.number, class: "rd-code-number" },
  { tag: tags.bool, class: "rd-code-constant" },
  { tag: tags.operator, class: "rd-code-operator" },
]);

/** What makes an editor one for Python. */
export const python = [StreamLanguage.define(parser), syntaxHighlighting(colours)];
