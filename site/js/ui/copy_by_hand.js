// Where a browser does not let a page copy: what its reader copies then.

/**
 * Copied by hand is what was asked for, too, not only what can be selected: as long as what was selected for it is.
 * @param {() => string} text
 */
export function copyAtNextCopy(text) {
  const selected = () => [document.activeElement, String(getSelection())];
  const [place, words] = selected();
  addEventListener(
    "copy",
    (event) => {
      const [nowPlace, nowWords] = selected();
      if (nowPlace !== place || nowWords !== words || event.clipboardData === null) return;
      event.clipboardData.setData("text/plain", text());
      event.preventDefault();
    },
    { once: true },
  );
}
