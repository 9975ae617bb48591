// What the pages need beyond the theme: printing, and keys for what scrolls inside itself.
document.addEventListener("DOMContentLoaded", () => {
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
