// A lighter tree than KaTeX's, with the same look: it places the parts of a fraction or of indices in a
// table (a subscript takes ten elements), and wraps signs in spans that say only of which kind they are.
const KINDS = ["", "mord", "mop", "mbin", "mrel", "mopen", "mclose", "mpunct", "minner", "mtight"];
const isEmpty = (object = {}) => Object.keys(object).length === 0;
const saysOnlyKind = ({ classes, style, attributes, italic }) =>
  classes?.every((name) => KINDS.includes(name)) && !italic && isEmpty(style) && isEmpty(attributes);

// One place with the parts of a table in it, each moved up or down from the line of the text.
function stack(table) {
  if (table.toMarkup().includes("<svg")) return; // a drawn sign measures the table
  const parts = table.children[0].children[0].children;
  table.classes = ["stack"];
  table.children = parts.map((part) => {
    const [strut, body] = part.children;
    const top = parseFloat(part.style.top) + parseFloat(strut.style.height);
    return Object.assign(part, { style: { ...part.style, top: `${top.toFixed(4)}em` }, children: [body] });
  });
}

// The only index of a letter needs no place of its own.
function index(node) {
  const [{ style, children }, other] = node.children[0].children;
  const { top, ...margins } = style;
  if (other || !top) return; // two, or still a table
  Object.assign(node, { style: { ...margins, verticalAlign: `${-parseFloat(top)}em` }, children });
}

function thin(node) {
  const { classes, children, style } = node;
  if (!children || !style || classes.includes("katex-mathml")) return; // a sign, a picture
  children.forEach(thin);
  if (classes.includes("vlist-t")) return stack(node);
  if (classes.includes("msupsub")) return index(node);
  if (style.top) return; // the style of a part is for its one element
  node.children = children.flatMap((child) => (saysOnlyKind(child) && child.children) || [child]);
  for (const child of node.children) if (saysOnlyKind(child)) child.classes = [];
}

function renderThin(tex, options) {
  const tree = katex.__renderToDomTree(tex, options);
  thin(tree);
  return tree.toMarkup();
}
