// What every page does first. Pages are light or dark after the system; where somebody chose, this says so before the
// first paint, so it is a classic script in the head. Choosing "system" forgets the choice. And it wipes what a page that
// was killed left on the disk.
(() => {
  const KEY = "taina-theme";
  const root = document.documentElement;

  // The sealed files of client/spool.js, but for those whose worker still lives: each holds a lock of its name.
  const wipeLeftovers = async () => {
    const [folder, { held = [] }] = await Promise.all([navigator.storage.getDirectory(), navigator.locks.query()]);
    for await (const name of /** @type {any} */ (folder).keys()) {
      if (name.startsWith("opened-") && !held.some((lock) => lock.name === name)) {
        await folder.removeEntry(name, { recursive: true });
      }
    }
  };
  wipeLeftovers().catch(() => {}); // where files cannot be listed, none were made

  const chosen = () => {
    try {
      const kept = localStorage.getItem(KEY) ?? "";
      if (["light", "dark"].includes(kept)) return kept;
    } catch {
      // storage is blocked
    }
    return "system";
  };
  root.dataset.theme = chosen();

  addEventListener("DOMContentLoaded", () => {
    const switches = /** @type {HTMLFieldSetElement} */ (document.querySelector(".themes"));
    switches.hidden = false;
    for (const radio of switches.querySelectorAll("input")) {
      radio.checked = radio.value === chosen();
      radio.addEventListener("change", () => {
        root.dataset.theme = radio.value;
        try {
          if (radio.value === "system") localStorage.removeItem(KEY);
          else localStorage.setItem(KEY, radio.value);
        } catch {
          // then the choice holds for this page
        }
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
