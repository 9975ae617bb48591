// What the pages need beyond the theme: explorables, printing, and keys for what scrolls inside itself.
const folder = new URL("explorables/", document.currentScript.src);
const fromDisk = location.protocol === "file:"; // from there no browser loads a module
document.documentElement.classList.toggle("from-disk", fromDisk);

document.addEventListener("DOMContentLoaded", () => {
  for (const place of fromDisk ? [] : document.querySelectorAll("[data-explorable]")) {
    import(new URL(`${place.dataset.explorable}.mjs`, folder));
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }
  const scrolling = document.querySelectorAll("div.math > .equation, div.highlight pre, div.output pre");
  const reach = () => {
    for (const part of scrolling) {
      if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    }
  };
  reach();
  window.addEventListener("resize", reach);
});
