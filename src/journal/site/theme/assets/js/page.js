// Small conveniences; every page reads the same without them.
(() => {
  "use strict";
  // A link to a folded proof or card unfolds it, also in browsers that do not do so by themselves.
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target instanceof HTMLInputElement && target.name.startsWith("__tabbed_")) target.checked = true;
    const folded = target.closest("details:not([open])") ?? target.querySelector(":scope > details:not([open])");
    if (!folded) return;
    for (let fold = folded; fold; fold = fold.parentElement?.closest("details")) fold.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // The theme makes each code block's copy button a landmark of its own, which a screen reader would list as navigation.
  const article = document.querySelector("article");
  const demote = () => {
    for (const nav of article.querySelectorAll("nav.md-code__nav:not([role])")) nav.setAttribute("role", "none");
  };
  if (article) {
    new MutationObserver(demote).observe(article, { childList: true, subtree: true });
    demote();
  }
})();
