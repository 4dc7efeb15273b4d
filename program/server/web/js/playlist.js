/* Taking the list along: files, the clipboard, links. */
import { $, el } from './dom.js';
import { playlist } from './api.js';
import { t } from './texts.js';

export const FORMATS = { m3u8: 'formatM3u8', xspf: 'formatXspf', jspf: 'formatJspf', csv: 'formatCsv' };

const fileName = (title, format) =>
  `${`dylumo ${title}`.toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}.${format}`;

/* Asks the server for the file and hands it to the browser's downloads; returns its name. */
export async function savePlaylist(songs, format, title) {
  const blob = await playlist(songs.map((song) => song.id), format, title);
  const link = el('a', { href: URL.createObjectURL(blob), download: fileName(title, format), hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  return link.download;
}

/* By the clipboard where the browser has one (https and localhost), else the old way. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', { class: 'unseen', 'aria-hidden': 'true' });
    const focus = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    focus?.focus?.();
    return done;
  }
}

export function wireMenu(saved) {
  const menu = $('save');
  $('formats').replaceChildren(...Object.entries(FORMATS).map(([format, key]) =>
    el('button', { type: 'button', 'data-t': key, 'data-format': format, onclick: () => { close(true); saved(format); } }, t(key))));
  const close = (focus) => {
    if (!menu.open) return;
    menu.open = false;
    if (focus) menu.querySelector('summary').focus();
  };
  menu.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(true); });
  addEventListener('pointerdown', (event) => { if (!menu.contains(event.target)) close(false); });
  menu.addEventListener('focusout', (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(false); });
}
