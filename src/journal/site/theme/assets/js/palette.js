// Applies the remembered colours before the first paint; the theme's own script does the rest when it arrives.
(() => {
  "use strict";
  const remembered = window.__md_get("__palette");
  const prefersLight = matchMedia("(prefers-color-scheme: light)").matches;
  const system = `[data-md-color-media='(prefers-color-scheme: ${prefersLight ? "light" : "dark"})']`;
  const followsSystem = !remembered?.color || remembered.color.media === "(prefers-color-scheme)";
  const chosen = followsSystem ? document.querySelector(system) : null;
  for (const name of ["media", "scheme", "primary", "accent"]) {
    const value = chosen ? chosen.getAttribute(`data-md-color-${name}`) : remembered?.color?.[name];
    if (value) document.body.setAttribute(`data-md-color-${name}`, value);
  }
})();
