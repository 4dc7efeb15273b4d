/* The list: a card a song with its reason, its match, and its features beside the photo's. Cards
 * are kept from one answer to the next and glide to their new places. */
import { $, calm, clamp, el, icon, style } from './dom.js';
import { moodColour } from './colour.js';
import { number, raw, t, whyWords } from './texts.js';

/* The features that a card shows, the tempo and so on scaled to 0..1 by what the catalogue holds. */
const SHOWN = ['valence', 'energy', 'danceability', 'acousticness', 'instrumentalness', 'speechiness', 'liveness', 'loudness', 'tempo'];
const RANGES = { loudness: [-30, 0], tempo: [50, 200], duration_ms: [60000, 480000] };

function share(name, value) {
  const [low, high] = RANGES[name] ?? [0, 1];
  return clamp((value - low) / (high - low));
}

function shownValue(name, value) {
  if (name === 'tempo') return number(value);
  if (name === 'loudness') return `${number(value, 1)} dB`;
  return `${number(100 * value)} %`;
}

function fingerprint(song, mood) {
  const pillars = SHOWN.map((name) => {
    const pillar = style(el('span', { class: 'pillar' }), { '--share': share(name, song.features[name]) });
    if (mood.features) style(pillar, { '--mood': share(name, mood.features[name]) });
    return pillar;
  });
  return el('span', { class: mood.features ? 'print' : 'print bare', 'aria-hidden': 'true' }, ...pillars);
}

function featureRow(name, song, mood) {
  const bar = style(el('span', { class: 'bar' }, el('span', { class: 'fill' }), mood.features ? el('span', { class: 'tick' }) : null),
    { '--share': share(name, song.features[name]) });
  if (mood.features) style(bar, { '--mood': share(name, mood.features[name]) });
  return el('tr', {}, el('th', { scope: 'row' }, t(name)), el('td', { class: 'bar-cell', 'aria-hidden': 'true' }, bar),
    el('td', {}, shownValue(name, song.features[name])),
    el('td', { class: 'theirs' }, mood.features ? shownValue(name, mood.features[name]) : '–'));
}

function featureTable(song, mood) {
  return el('table', { class: 'features' }, el('caption', { class: 'unseen' }, t('featureCaption', { title: song.title })),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, t('feature')), el('td', { 'aria-hidden': 'true' }),
      el('th', { scope: 'col' }, t('song')), el('th', { scope: 'col', class: 'theirs' }, t('mood')))),
    el('tbody', {}, ...SHOWN.map((name) => featureRow(name, song, mood))));
}

function actions(song, isLiked, does) {
  const act = (name, label, work, more = {}) => el('button', { type: 'button', class: `button round quiet ${name}`,
    'aria-label': label, title: label, onclick: work, ...more }, icon(name));
  const compare = act('down', t('compare', { title: song.title }), (event) => {
    const button = event.currentTarget;
    const open = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(open));
    $(`features-${song.id}`).hidden = !open;
  }, { 'aria-expanded': 'false', 'aria-controls': `features-${song.id}` });
  return el('div', { class: 'actions' },
    act('like', t('likeIt', { title: song.title }), () => does.like(song), { 'aria-pressed': String(isLiked) }),
    act('less', t('lessIt', { title: song.title }), () => does.less(song)), compare);
}

/* The square that opens Spotify: one corner has the colour of the song's mood, the other that of
 * its dance and instruments, turned by its key, so that songs of one mood still look their own. */
function cover(song) {
  const { valence, energy, danceability, acousticness, key } = song.features;
  const tile = song.url
    ? el('a', { class: 'cover', href: song.url, target: '_blank', rel: 'noopener noreferrer',
      'aria-label': `${song.rank}. ${t('listen', { title: song.title })}` })
    : el('span', { class: 'cover', 'aria-hidden': 'true' });
  tile.append(el('span', { class: 'rank', 'aria-hidden': 'true' }, String(song.rank)), icon('play'));
  return style(tile, { '--one': moodColour(valence, energy, -0.08), '--two': moodColour(danceability, 1 - acousticness, -0.08),
    '--turn': `${30 * key}deg` });
}

function card(song, view, does) {
  const why = whyWords(song.why);
  const facts = [song.artist, song.year, song.genre].filter(Boolean).join(' · ');
  const body = el('div', { class: 'song-words' }, el('h3', {}, song.title), el('p', { class: 'facts' }, facts),
    el('p', { class: 'why', lang: why.lang }, why.text));
  const match = song.match === null ? null
    : style(el('span', { class: 'match', role: 'img', 'aria-label': t('match', { percent: number(song.match) }) },
      el('span', { 'aria-hidden': 'true' }, number(Math.floor(song.match)))), { '--match': song.match / 100 });
  const item = el('li', { class: 'song', 'data-id': song.id }, cover(song), body, fingerprint(song, view.mood), match,
    actions(song, view.liked === song.id, does));
  const table = el('div', { class: 'song-features', id: `features-${song.id}`, hidden: true }, featureTable(song, view.mood));
  item.append(table);
  return item;
}

function glide(list, before) {
  if (calm()) return;
  for (const item of list.children) {
    const was = before.get(item.dataset.id);
    const shift = was === undefined ? 0 : was - item.offsetTop;
    const frames = was === undefined ? [{ opacity: 0, transform: 'translateY(12px)' }, { opacity: 1, transform: 'none' }]
      : [{ transform: `translateY(${shift}px)` }, { transform: 'none' }];
    if (was === undefined || shift) item.animate(frames, { duration: 320, easing: 'cubic-bezier(.2,.8,.2,1)' });
  }
}

/* Shows the songs; view is {mood, liked}, does is {like, less}. Focus and open tables survive. */
export function renderSongs(songs, view, does) {
  const list = $('songs');
  const before = new Map([...list.children].map((item) => [item.dataset.id, item.offsetTop]));
  const open = new Set([...list.querySelectorAll('[aria-expanded="true"]')].map((button) => button.closest('.song').dataset.id));
  const held = document.activeElement?.closest?.('.song');
  const heldId = held?.dataset.id;
  const heldClass = held && [...document.activeElement.classList].find((name) => ['like', 'less', 'down', 'cover'].includes(name));
  list.replaceChildren(...songs.map((song) => card(song, view, does)));
  for (const item of list.children)
    if (open.has(item.dataset.id)) item.querySelector('[aria-expanded]').click();
  if (heldId) (list.querySelector(`[data-id="${CSS.escape(heldId)}"] .${heldClass}`) ?? $('songs-title')).focus();
  glide(list, before);
}

export function renderSkeleton(count) {
  $('legend').hidden = true;
  $('songs').replaceChildren(...Array.from({ length: count }, (_, i) => style(el('li', { class: 'song ghost', 'aria-hidden': 'true' },
    el('span', { class: 'cover' }), el('div', { class: 'song-words' }, el('span', { class: 'line' }), el('span', { class: 'line short' }))), { '--i': i })));
}

export function songsTitle(count) {
  return count === 1 ? t('songTitle') : count ? t('songsTitle', { count: number(count) }) : t('noSongs');
}

/* What rings and bars mean; and where all rings are full, that they tell nothing here. */
export function renderLegend(songs) {
  const full = songs.length > 0 && songs.every((song) => song.match >= 99);
  $('legend').hidden = !songs.length;
  $('legend').textContent = full ? `${t('legend')} ${t('legendFull')}` : t('legend');
}

/* The list as text, for the clipboard. */
export const asText = (songs) => songs.map((song) => `${song.artist} – ${song.title}${song.url ? `  ${song.url}` : ''}`).join('\n');
export const sliderEnds = (name) => raw('ends')[name];
