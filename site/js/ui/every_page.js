// What every page does first. Pages are light or dark after the system; where somebody chose, this says so before the
// first paint, so it is a classic script in the head. Choosing "system" forgets the choice. And it wipes what a page that
// was killed left on the disk, passes over what a hand does without meaning it, and makes addresses ready for paper.
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
    for (const anchor of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a[data-language]"))) {
      // The link to a secret goes along, also into another tab, of which no click tells.
      for (const way of ["pointerdown", "focus", "click"])
        anchor.addEventListener(way, () => (anchor.hash = location.hash));
      anchor.addEventListener("click", () => {
        try {
          localStorage.setItem("taina-language", anchor.dataset.language ?? "");
        } catch {
          // then the choice holds for this page
        }
      });
    }
  });

  const DOUBLE = 500; // ms in which systems take two clicks for one, unless they were told otherwise
  const NEAR = 5; // CSS pixels between them

  /** The latest click with a pointer: on what, where and when (ms). */
  let clicked = { on: /** @type {Element | null} */ (null), x: 0, y: 0, at: -Infinity };

  /**
   * The second of a double click is meant for what the first was on, not for what has come into its place. Firefox counts
   * it as another first.
   */
  const dropSecond = (/** @type {MouseEvent} */ event) => {
    if (event.detail === 0) return; // a key
    const { screenX: x, screenY: y, timeStamp: at } = event;
    const on = event.target instanceof Element ? event.target.closest("a, button") : null;
    const second = at - clicked.at < DOUBLE && Math.abs(x - clicked.x) + Math.abs(y - clicked.y) <= NEAR;
    if (second && on !== clicked.on) {
      event.stopImmediatePropagation();
      event.preventDefault();
      clicked.at = -Infinity;
    } else {
      clicked = { on, x, y, at };
    }
  };
  addEventListener("click", dropSecond, true);

  // What is dropped beside a field leads nowhere: Firefox would go to it, and what is on this page would be lost.
  for (const drag of /** @type {const} */ (["dragover", "drop"])) {
    addEventListener(drag, (event) => {
      const inField = event.target instanceof Element && event.target.matches("input, textarea");
      if (inField && !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "none"; // where nobody takes it
    });
  }

  // On paper an address goes on in the next line, which no field does.
  addEventListener("beforeprint", () => {
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input.address")))
      /** @type {HTMLElement} */ (field.parentElement).dataset.address = field.value;
  });
})();
