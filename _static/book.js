// What the pages need beyond the theme: explorables, previews of links, printing, and keys for what
// scrolls inside itself.
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
  const reach = new ResizeObserver((changes) => {
    for (const { target: part } of changes) {
      part.style.fontSize = "";
      part.removeAttribute("tabindex");
      const fits = part.clientWidth / part.scrollWidth;
      if (fits < 1 && fits > 0.88 && part.matches(".equation")) part.style.fontSize = `${fits - 0.01}em`;
      if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    }
  }); // it sees a part when that is laid out, and lays out none itself
  const scrolling = "div.math > .equation, pre, .cell_output > .output, .pst-scrollable-table-container";
  document.querySelectorAll(scrolling).forEach((part) => reach.observe(part));
});

// Sections far down are laid out when they come near (book.css); all are where the window changes, as for
// a picture of the whole page, but not where a phone hides its bar.
const { innerWidth: width, innerHeight: height } = window;
window.addEventListener("resize", () => {
  const change = Math.abs(innerHeight - height) / height;
  if (innerWidth !== width || change === 0 || change > 0.5) document.documentElement.classList.add("whole");
});

// Figures far down come once the rest is there: then the page can be read to its end without a network.
window.addEventListener("load", () => {
  for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
});

// Previews: what a link leads to, an equation, a term or a source, is shown beside it.

const previews = {}; // of each page, by id
const root = new URL(document.documentElement.dataset.content_root, location.href);
window.addPreviews = (page, parts) => (previews[page] = parts);

function load(page) {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    Object.assign(script, { src: new URL(`_static/previews/${page}.js`, root), onload: resolve, onerror: resolve });
    document.head.append(script);
  });
}

async function find(link) {
  const page = decodeURI(link.pathname).slice(decodeURI(root.pathname).length).replace(/\.html$/, "");
  if (!(page in previews)) await load(page);
  return (previews[page] ??= {})[decodeURIComponent(link.hash.slice(1))];
}

const box = document.createElement("div");
Object.assign(box, { id: "preview", role: "tooltip", hidden: true });
let shown = null, timer;

function hide() {
  clearTimeout(timer);
  shown?.removeAttribute("aria-describedby");
  shown = null;
  box.hidden = true;
}

async function show(link) {
  hide();
  shown = link;
  const content = await find(link);
  if (!content || shown !== link) return;
  box.innerHTML = content;
  box.hidden = false;
  link.removeAttribute("title"); // or the browser shows that as well
  link.setAttribute("aria-describedby", "preview");
  const place = link.getClientRects()[0], { offsetWidth: width, offsetHeight: height } = box;
  const above = place.bottom + height > innerHeight && place.top > height;
  const left = Math.min(place.left, document.documentElement.clientWidth - width - 8);
  box.style.left = `${Math.max(8, left) + scrollX}px`;
  box.style.top = `${(above ? place.top - height : place.bottom) + scrollY}px`;
}

document.addEventListener("DOMContentLoaded", () => {
  document.body.append(box);
  const inside = (event) => event.target.closest?.(".bd-article a.reference.internal[href*='#']");
  const later = (action, wait) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };
  document.addEventListener("pointerover", (event) => {
    const link = event.pointerType === "mouse" && inside(event);
    if (link && link !== shown) later(() => show(link), 250);
    else if (link || box.contains(event.target)) clearTimeout(timer);
    else if (shown || timer) later(hide, 250);
  });
  document.addEventListener("focusin", (event) => {
    const link = inside(event);
    if (link?.matches(":focus-visible")) show(link);
    else if (shown) hide();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
});
