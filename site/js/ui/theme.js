// Sets light or dark before the first paint, so it is a classic script in the head. A choice is kept only once
// somebody made one, and choosing "system" forgets it.
(() => {
  const KEY = "taina-theme";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system"; // storage is blocked: the system's theme it is
    }
  };
  const apply = () => {
    const theme = chosen();
    root.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  };
  apply();
  dark.addEventListener("change", apply);

  addEventListener("DOMContentLoaded", () => {
    const switches = /** @type {HTMLFieldSetElement} */ (document.querySelector(".themes"));
    switches.hidden = false;
    for (const radio of switches.querySelectorAll("input")) {
      radio.checked = radio.value === chosen();
      radio.addEventListener("change", () => {
        try {
          if (radio.value === "system") localStorage.removeItem(KEY);
          else localStorage.setItem(KEY, radio.value);
        } catch {
          root.dataset.theme = radio.value; // at least for this page
          return;
        }
        apply();
      });
    }
    for (const link of document.querySelectorAll("a[data-language]")) {
      link.addEventListener("click", () => {
        const anchor = /** @type {HTMLAnchorElement} */ (link);
        anchor.hash = location.hash; // the link to a secret goes along
        try {
          localStorage.setItem("taina-language", anchor.dataset.language ?? "");
        } catch {
          // then the choice holds for this page
        }
      });
    }
  });
})();
