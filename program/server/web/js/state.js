/* What the page knows, in one object, and its two copies outside: the link (everything but the
 * photo, in the part of the address that is never sent to a server) and the history (in this
 * browser's storage, with a small picture). */
export const FEATURES = ['danceability', 'energy', 'key', 'loudness', 'mode', 'speechiness',
  'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo', 'duration_ms', 'time_signature'];
export const EMOTIONS = ['amusement', 'anger', 'awe', 'contentment', 'excitement', 'fear', 'sadness'];

export const noFilter = () => ({ yearFrom: '', yearTo: '', genres: [], tempoFrom: '', tempoTo: '',
  popularity: 0, minutes: '', variety: 0, familiar: 0, season: false });

/* What can be undone: all that the visitor asks for beside the photo. */
export const noWish = () => ({ moved: {}, liked: null, less: [], filter: noFilter(), count: 10 });

export const state = {
  photos: [],      /* {blob, url}: blob is null for one that came from the history */
  mood: null,      /* of the photo, as the server gave it */
  hues: [],        /* colours of the photo */
  wish: noWish(),
  songs: [],
  undo: [],        /* earlier wishes, as text */
};

/* ------------------------------------------------------------------ wishes as knobs */

function filterText(f) {
  const parts = [];
  if (f.yearFrom) parts.push(`year>=${f.yearFrom}`);
  if (f.yearTo) parts.push(`year<=${f.yearTo}`);
  if (f.genres.length) parts.push(`genre has (${f.genres.join(', ')})`);
  if (f.tempoFrom) parts.push(`tempo>=${f.tempoFrom}`);
  if (f.tempoTo) parts.push(`tempo<=${f.tempoTo}`);
  if (f.popularity) parts.push(`popularity>=${f.popularity}`);
  if (f.minutes) parts.push(`duration<=${Math.round(f.minutes * 60)}`);
  return parts.join(' and ');
}

export const isFiltered = (wish) => filterText(wish.filter) !== '';

/* The query's knobs; spare songs are asked for in place of those that are hidden. */
export function knobs(wish, spare) {
  const { filter } = wish;
  const out = { count: Math.min(200, wish.count + spare) };
  const text = filterText(filter);
  if (text) out.filter = text;
  if (filter.variety) out.variety = filter.variety;
  if (filter.familiar) out.familiar = filter.familiar;
  if (filter.season) out.season = 'true';
  if (wish.liked) out.like = wish.liked.id;
  return out;
}

/* The mood as the sliders have it: what brings the photo's songs back without the photo. */
export function moodText(mood, moved) {
  const aim = { valence: mood.valence, energy: mood.energy, ...moved };
  return Object.entries(aim).slice(0, 8).map(([name, place]) => `${name}=${+place.toFixed(4)}`).join(',');
}

/* ------------------------------------------------------------------ link */

const permille = (x) => Math.round(x * 1000);

export function toLink({ mood, hues, wish }) {
  const out = new URLSearchParams();
  out.set('m', [mood.valence, mood.energy, mood.sure].map((x) => +x.toFixed(4)).join('_'));
  out.set('e', EMOTIONS.map((name) => permille(mood.emotions[name])).join('_'));
  if (mood.places) out.set('p', FEATURES.map((name) => permille(mood.places[name])).join('_'));
  out.set('f', FEATURES.map((name) => mood.features[name]).join('_'));
  if (hues.length) out.set('c', hues.join('_'));
  const moved = Object.entries(wish.moved).map(([name, place]) => `${name}:${+place.toFixed(4)}`);
  if (moved.length) out.set('to', moved.join('_'));
  if (wish.liked) out.set('like', `${wish.liked.id}:${wish.liked.title}`);
  for (const song of wish.less) out.append('less', `${song.id}:${song.title}`);
  const start = noFilter();
  for (const [name, value] of Object.entries(wish.filter))
    if (String(value) !== String(start[name])) out.set(name, value);
  if (wish.count !== 10) out.set('n', wish.count);
  return out.toString();
}

/* Numbers of the link; null unless there are so many (any number when count is 0). */
function numbers(text, count) {
  if (!text) return null;
  const all = text.split('_').map(Number);
  return (!count || all.length === count) && all.every(Number.isFinite) ? all : null;
}

const within = (x) => x >= 0 && x <= 1;
const byName = (names, values, scale) =>
  Object.fromEntries(names.map((name, i) => [name, values[i] * scale]));

function songOf(text) {
  const at = text.indexOf(':');
  return at > 0 ? { id: text.slice(0, at), title: text.slice(at + 1), artist: null } : null;
}

function filterOf(params) {
  const filter = noFilter();
  for (const name of Object.keys(filter)) {
    const value = params.get(name);
    if (value === null) continue;
    if (name === 'genres') filter.genres = value.split(',').filter((genre) => /^[a-z0-9 -]+$/.test(genre));
    else if (name === 'season') filter.season = value === 'true';
    else if (Number.isFinite(Number(value))) filter[name] = Number(value);
  }
  return filter;
}

/* A link's {mood, hues, wish}; null when it holds none. Strangers write links: all is checked. */
export function fromLink(text) {
  const params = new URLSearchParams(text);
  const place = numbers(params.get('m'), 3);
  if (!place || !place.every(within)) return null;
  const emotions = numbers(params.get('e'), EMOTIONS.length) ?? EMOTIONS.map(() => 1000 / EMOTIONS.length);
  const places = numbers(params.get('p'), FEATURES.length) ?? FEATURES.map(() => 500);
  const features = numbers(params.get('f'), FEATURES.length);
  const moved = {};
  for (const part of (params.get('to') ?? '').split('_')) {
    const [name, value] = part.split(':');
    if (FEATURES.includes(name) && within(Number(value))) moved[name] = Number(value);
  }
  return {
    mood: { valence: place[0], energy: place[1], sure: place[2], emotions: byName(EMOTIONS, emotions, 0.001),
      places: byName(FEATURES, places, 0.001), features: features ? byName(FEATURES, features, 1) : null },
    hues: (numbers(params.get('c'), 0) ?? []).slice(0, 3),
    wish: { moved, liked: songOf(params.get('like') ?? ''), filter: filterOf(params),
      less: params.getAll('less').slice(0, 20).map(songOf).filter(Boolean),
      count: Math.min(50, Math.max(1, Number(params.get('n')) || 10)) },
  };
}

/* ------------------------------------------------------------------ history */

const HISTORY = 'dylumo.history';
const KEPT = 12;

export function readHistory() {
  try {
    const list = JSON.parse(localStorage.getItem(HISTORY) ?? '[]');
    return Array.isArray(list) ? list.filter((item) => typeof item?.link === 'string' && fromLink(item.link)) : [];
  } catch {
    return [];
  }
}

function write(list) {
  try {
    localStorage.setItem(HISTORY, JSON.stringify(list));
  } catch {
    if (list.length > 1) write(list.slice(0, -1)); /* full: the oldest goes */
  }
}

/* Puts {time, link, small} first; the same time replaces its older form. */
export function remember(item) {
  write([item, ...readHistory().filter((other) => other.time !== item.time)].slice(0, KEPT));
}

export const forgetAll = () => localStorage.removeItem(HISTORY);
