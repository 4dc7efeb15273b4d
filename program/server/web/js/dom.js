/* Making elements without a framework: el('li', {class: 'song'}, children). Text is always set as
 * text, never as markup, so that no title from a catalogue can become code. */
export const $ = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const el = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

export const icon = (name) =>
  svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `/icons.svg#${name}` }));

/* Custom properties by the style object: the content security policy allows no style attributes. */
export function style(node, properties) {
  for (const [name, value] of Object.entries(properties)) node.style.setProperty(name, value);
  return node;
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/* Runs work at most once in `wait` milliseconds, and always after the last call. */
export function paced(wait, work) {
  let timer = null;
  let last = -Infinity;
  const go = () => {
    timer = null;
    last = performance.now();
    work();
  };
  return () => {
    if (timer === null) timer = setTimeout(go, Math.max(0, last + wait - performance.now()));
  };
}

export const clamp = (x, low = 0, high = 1) => Math.min(high, Math.max(low, x));
