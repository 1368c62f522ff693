// What the theme's scripts need before the body is there, and one change of ours: the search index, which grows with the
// site and is half of a first visit's bytes, is fetched when somebody turns to the search, not with every page.
(() => {
  "use strict";
  const base = document.currentScript.dataset.base;
  window.__md_scope = new URL(base, location);
  window.__md_hash = (text) => [...text].reduce((hash, char) => (hash << 5) - hash + char.charCodeAt(0), 0);
  window.__md_get = (key, store = localStorage, scope = window.__md_scope) => {
    try {
      return JSON.parse(store.getItem(scope.pathname + "." + key));
    } catch {
      return null; // no storage (a private window, a folder opened from disk), or what is there is not ours
    }
  };
  window.__md_set = (key, value, store = localStorage, scope = window.__md_scope) => {
    try {
      store.setItem(scope.pathname + "." + key, JSON.stringify(value));
    } catch {
      // without storage the setting holds for this page
    }
  };

  let wanted = new URLSearchParams(location.search).has("q");
  const waiting = [];
  const release = () => {
    wanted = true;
    for (const send of waiting.splice(0)) send();
  };
  const { open, send } = XMLHttpRequest.prototype;
  const held = new WeakSet();
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    if (String(url).endsWith("/search/search_index.json")) held.add(this);
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (...body) {
    if (held.has(this) && !wanted) waiting.push(() => send.apply(this, body));
    else send.apply(this, body);
  };
  const turnsToSearch = (event) =>
    event.target instanceof Element && event.target.closest('[data-md-component="search"], [for="__search"], #__search');
  addEventListener("focusin", (event) => turnsToSearch(event) && release());
  addEventListener("pointerover", (event) => turnsToSearch(event) && release(), { passive: true });
  addEventListener("change", (event) => turnsToSearch(event) && release());
})();
