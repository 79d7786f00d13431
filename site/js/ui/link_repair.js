// For the page that says "not found": repairs a link that some program changed on its way, and goes on with it.
// `#` may have become `%23`, `&#35;` or full-width, `/s/` may have become `/S/` or `//s/`. Within this origin only.
(() => {
  const path = location.pathname
    .replace(/%(25)*2f/gi, "/")
    .replace(/%(25)*23|=23|&num;|%(25)*EF%(25)*BC%(25)*83/gi, "#");
  // Of `&#35;` and `&#x23;`, what stands before their own `#` is the path.
  const whole = (path + location.hash).replace(/&(amp;)*#(35|x23);/i, "#");
  const found = whole.match(/\/(s|receipt|r|inbox)\/*#([^#]+)/i);
  if (!found) return;
  // What came in the path was sent to the server; the page that it leads to says so.
  const seen = path.includes("#") ? "?seen" : "";
  const repaired = `/${found[1].toLowerCase()}/${seen}#${found[2]}`;
  if (repaired !== location.pathname + location.search + location.hash) location.replace(repaired);
})();
