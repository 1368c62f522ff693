// The learner's code of one exercise in this browser. It is written as it is typed, so that neither a reload nor a crash
// loses it, and what a reset replaces is kept until it is wanted back.

import { NAME } from "../journal-name.js";

const CODE = `${NAME}.work.`;
const ASIDE = `${NAME}.aside.`;
const RUNS = `${NAME}.runs.`;
const VERSION = `${NAME}.version.`;

/** @typedef {{different: string[], passed: boolean}} Runs codes that were run, and whether the core ever passed */

export class Work {
  /** @param {string} slug @param {string} stub @param {number} version the exercise's, which `stub` is of */
  constructor(slug, stub, version) {
    this.slug = slug;
    this.stub = stub;
    this.version = version;
    this.saved = true;
    // Version 0.5.0 of this page kept code without a version.
    this.writtenFor = this.read(CODE) === null ? version : Number(this.read(VERSION)) || 1;
    this.last = this.code();
  }

  /** @param {string} key */
  read(key) {
    try {
      return localStorage.getItem(key + this.slug);
    } catch {
      return null;
    }
  }

  /** @param {string} key @param {string | null} text */
  write(key, text) {
    try {
      if (text === null) localStorage.removeItem(key + this.slug);
      else localStorage.setItem(key + this.slug, text);
      return true;
    } catch {
      return false;
    }
  }

  /** What the learner has, or the stub. */
  code() {
    return this.read(CODE) ?? this.stub;
  }

  /** Keeps `code`; false where this browser keeps nothing. An unchanged stub is not kept, so that a better one reaches it.
   * @param {string} code */
  keep(code) {
    this.last = code;
    this.saved = this.write(CODE, code === this.stub ? null : code);
    if (code === this.stub) this.writtenFor = this.version;
    this.write(VERSION, code === this.stub ? null : String(this.writtenFor));
    return this.saved;
  }

  /** Whether the code was written for an earlier version of the exercise. */
  get older() {
    return this.writtenFor < this.version;
  }

  /** Takes the code as written for this version from now on. */
  settle() {
    this.writtenFor = this.version;
    this.keep(this.last);
  }

  /** What the last reset or opened file replaced. */
  get aside() {
    return this.read(ASIDE);
  }

  /** @param {string | null} code */
  setAside(code) {
    this.write(ASIDE, code);
  }

  /** @returns {Runs} */
  runs() {
    try {
      const { different, passed } = JSON.parse(this.read(RUNS) ?? "{}");
      return { different: Array.isArray(different) ? different.map(String) : [], passed: passed === true };
    } catch {
      return { different: [], passed: false };
    }
  }

  /** @param {string} sha @param {boolean} passed */
  countRun(sha, passed) {
    const runs = this.runs();
    const different = [...new Set([...runs.different, sha])].slice(-20);
    this.write(RUNS, JSON.stringify({ different, passed: runs.passed || passed }));
  }

  /** Calls when another tab has written this exercise's code. @param {(code: string) => void} changed */
  watch(changed) {
    addEventListener("storage", (event) => {
      if (event.key === CODE + this.slug) changed(event.newValue ?? this.stub);
    });
  }
}
