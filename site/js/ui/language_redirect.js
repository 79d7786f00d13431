// From a page's neutral address to the reader's language, with everything behind the `#`. Within this origin only.
(() => {
  const languages = (document.documentElement.dataset.languages ?? "en").split(" ");
  let chosen = null;
  try {
    chosen = localStorage.getItem("taina-language");
  } catch {
    // storage is blocked: the browser's languages decide
  }
  const wanted = [chosen, ...(navigator.languages ?? [])].map((tag) => String(tag ?? "").toLowerCase());
  const base = (/** @type {string} */ tag) =>
    tag
      .toLowerCase()
      .split("-")[0]
      .replace(/^(no|nn)$/, "nb");
  const exact = (/** @type {string} */ tag) => languages.find((language) => language.toLowerCase() === tag);
  const near = (/** @type {string} */ tag) => exact(tag) ?? languages.find((language) => base(language) === base(tag));
  const language = wanted.map(near).find(Boolean) ?? languages[0];
  const path = location.pathname.replace(/^\/+/, "");
  location.replace(`/${language}/${path}${location.search}${location.hash}`);
})();
