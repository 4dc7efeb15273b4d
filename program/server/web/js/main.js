/* The page's line from a photo to songs: photos -> mood (asked once, with the pictures) -> wishes
 * (sliders, filters, more and less) -> songs (asked again by the mood alone, so that no picture
 * travels twice and a link can do the same). */
import * as api from './api.js';
import { paint, unpaint } from './colour.js';
import { $, paced } from './dom.js';
import { buildPlane, renderFrame, renderMood, renderPlane } from './mood.js';
import { blobAddress, fitted, lookAt, wireIntake } from './photos.js';
import { copyText, savePlaylist, wireMenu } from './playlist.js';
import { asText, renderLegend, renderSongs, songsTitle } from './songs.js';
import { forgetAll, fromLink, knobs, moodText, noFilter, noWish, readHistory, remember, state, toLink } from './state.js';
import { fillTexts, language, moodWords, noteWords, number, setLanguage, t, trouble } from './texts.js';
import { buildFilters, buildSliders, moveSliders, placeOf, renderChips, showNone } from './tune.js';
import { buildPast, buildSamples, endWaiting, say, show, showTrouble, showWaiting, toast } from './views.js';

const PACE_MS = 150;
const UNDO_STEPS = 50;
const NEIGHBOURS = 20;

let limits = { body_bytes: 20971520, pictures: 8, count: 200 };
let about = null;
let arrival = { time: 0, small: null, fromLink: false }; /* how this mood came, for the history */

/* ------------------------------------------------------------------ showing */

const words = () => moodWords(state.mood.valence, state.mood.energy);

function renderAnswer() {
  renderFrame(state.photos, { add: () => pickMore(), remove: removePhoto, most: limits.pictures });
  renderMood(state.mood, arrival.fromLink);
  buildSliders(state.mood, (name, place) => change(`slide ${name}`, () => moveTo(name, place)));
  buildFilters(state.wish, (key, value) => change(`filter ${key}`, () => { state.wish.filter[key] = value; }));
  renderWish();
  renderList();
}

function renderWish() {
  renderPlane(state.mood, state.wish.moved);
  moveSliders(state.mood, state.wish.moved);
  renderChips(state.wish, takeBack);
  $('undo').disabled = state.undo.length === 0;
}

function renderList() {
  renderSongs(state.songs, { mood: state.mood, liked: state.wish.liked?.id }, { like, less });
  $('songs-title').textContent = songsTitle(state.songs.length);
  renderLegend(state.songs);
  showNone(state.songs, state.wish);
  $('more').hidden = state.songs.length < state.wish.count || state.wish.count >= 50;
}

/* What the server has to say, but for what sliders and chips show already. */
function showNote(note) {
  const rest = (note ?? '').split('; ').filter((part) => !/^(\w+ set to|leaning on) /.test(part)).join('; ');
  $('note').hidden = !rest;
  const { text, lang } = noteWords(rest);
  $('note').textContent = text;
  $('note').lang = lang ?? language();
}

function showFault(problem) {
  $('filter-fault').hidden = !problem;
  $('filter-fault').textContent = problem ? `${trouble(problem.kind)[0]}. ${problem.detail}` : '';
}

/* The link and the history follow what is shown. */
function keep(isNew) {
  const link = toLink(state);
  history[isNew ? 'pushState' : 'replaceState'](null, '', `#${link}`);
  document.title = `${words()} – dylumo`;
  if (arrival.time) remember({ time: arrival.time, link, small: arrival.small });
}

function renderAbout() {
  $('about').textContent = about
    ? t('about', { count: number(about.catalogue.songs), model: about.model, version: about.version }) : '';
}

/* ------------------------------------------------------------------ photos */

function setPhotos(photos) {
  for (const photo of state.photos) if (photo.url && !photos.includes(photo)) URL.revokeObjectURL(photo.url);
  state.photos = photos;
}

const asPhotos = (files) => files.map((blob) => ({ blob, url: URL.createObjectURL(blob) }));
let adding = false;

function pickMore() {
  adding = true;
  $('file').click();
}

function take(files) {
  const base = adding && !$('answer').hidden ? state.photos : [];
  adding = false;
  setPhotos([...base, ...asPhotos(files)]);
  askPhotos();
}

function removePhoto(index) {
  setPhotos(state.photos.filter((_, i) => i !== index));
  askPhotos();
}

async function takeSample(name) {
  adding = false;
  try {
    take([await (await fetch(`/samples/${name}.jpg`)).blob()]);
  } catch {
    showTrouble(new api.Problem('offline'), limits, { retry: () => takeSample(name), back: goHome });
  }
}

/* The order of things here keeps a slow answer from overwriting a newer one: `mine` is checked
 * after every wait. */
let turn = 0;

async function askPhotos() {
  const mine = ++turn;
  const filter = state.wish.filter;
  const photos = state.photos;
  if (photos.length > limits.pictures)
    return showTrouble(new api.Problem('too-many'), limits, { back: goHome });
  renderFrame(photos, { add: pickMore, remove: removePhoto, most: 0 });
  scrollTo({ top: 0 });
  showWaiting(10, () => { turn++; api.stop(); goHome(); });
  const wish = { ...noWish(), filter };
  const looks = Promise.all(photos.map((photo) => lookAt(photo.blob)));
  try {
    const blobs = await fitted(photos.map((photo) => photo.blob), limits.body_bytes);
    const answer = await api.recommendPhotos(blobs, knobs(wish, 0));
    const [look] = await looks;
    if (mine !== turn) return undefined;
    Object.assign(state, { mood: answer.mood, wish, songs: answer.songs, undo: [], hues: look.hues });
    arrival = { time: Date.now(), small: look.small, fromLink: false };
    return arrive(answer.note, true);
  } catch (problem) {
    if (api.isCancelled(problem) || mine !== turn) return undefined;
    endWaiting();
    return showTrouble(known(problem), limits, { retry: askPhotos, back: goHome });
  }
}

const known = (problem) => {
  if (!(problem instanceof api.Problem)) console.error(problem);
  return problem instanceof api.Problem ? problem : new api.Problem('other');
};

function arrive(note, isNew) {
  endWaiting();
  $('songs').classList.remove('stale');
  paint(state.hues, state.mood.valence, state.mood.energy);
  show('answer');
  renderAnswer();
  showNote(note);
  showFault(null);
  keep(isNew);
  if (isNew) $('mood-words').focus({ preventScroll: true });
  if (state.songs.length) say(t('ready', { title: songsTitle(state.songs.length), first: firstSong() }));
}

const firstSong = () => `${state.songs[0].title}, ${state.songs[0].artist}`;

/* ------------------------------------------------------------------ wishes */

let lastChange = { name: '', time: 0 };

/* One change of the wish, one step to undo; a drag's many changes are one. */
function change(name, work) {
  const now = Date.now();
  if (name !== lastChange.name || now - lastChange.time > 1500) {
    state.undo.push(JSON.stringify(state.wish));
    if (state.undo.length > UNDO_STEPS) state.undo.shift();
  }
  lastChange = { name, time: now };
  work();
  follow();
}

let wished = 0;

/* Shows the wish as it is now; its songs come at the pace, and until then the list is stale. */
function follow() {
  wished++;
  renderWish();
  $('songs').classList.add('stale');
  soon();
}

const soon = paced(PACE_MS, () => { if (isShown()) rerank(); });
const isShown = () => Boolean(state.mood) && !$('answer').hidden && !$('answer').classList.contains('waiting');

function moveTo(name, place) {
  if (Math.round(100 * place) === Math.round(100 * placeOf(state.mood, name))) delete state.wish.moved[name];
  else if (Object.keys({ valence: 0, energy: 0, ...state.wish.moved, [name]: 0 }).length <= 8) state.wish.moved[name] = place;
}

function undo() {
  if (!state.undo.length) return;
  const filterBefore = JSON.stringify(state.wish.filter);
  state.wish = JSON.parse(state.undo.pop());
  lastChange = { name: '', time: 0 };
  if (JSON.stringify(state.wish.filter) !== filterBefore) rebuildFilters();
  follow();
  toast(t('undone'));
}

function rebuildFilters() {
  buildFilters(state.wish, (key, value) => change(`filter ${key}`, () => { state.wish.filter[key] = value; }));
}

function like(song) {
  const off = state.wish.liked?.id === song.id;
  change(`like ${song.id}`, () => { state.wish.liked = off ? null : { id: song.id, title: song.title }; });
  if (!off) toast(t('liked', { title: song.title }), undo);
}

function less(song) {
  change(`less ${song.id}`, () => {
    state.wish.less.push({ id: song.id, title: song.title });
    if (state.wish.liked?.id === song.id) state.wish.liked = null;
  });
  toast(t('lessened', { title: song.title }), undo);
}

function takeBack(id) {
  change(`back ${id}`, () => {
    state.wish.less = state.wish.less.filter((song) => song.id !== id);
    if (state.wish.liked?.id === id) state.wish.liked = null;
  });
}

const neighbourhoods = new Map();

/* What "less like this" hides: the song, its artist, and the songs nearest to it. */
function neighbourhood(id) {
  if (!neighbourhoods.has(id))
    neighbourhoods.set(id, api.near(id, NEIGHBOURS)
      .then((answer) => ({ artist: answer.song.artist, ids: [id, ...answer.songs.map((song) => song.id)] }))
      .catch(() => {
        neighbourhoods.delete(id);
        return { artist: null, ids: [id] };
      }));
  return neighbourhoods.get(id);
}

let shown = 0;

/* Asks for the songs of the wish: {note, isLast}, or null when the answer to a newer one is shown or
 * the page has gone on. While a slider moves, answers are shown as they come, in the order of their
 * wishes; the last is the one to the newest wish, asked about already or not. */
async function fetchSongs() {
  const mine = wished;
  const here = turn;
  const { wish, mood } = state;
  const isOld = () => mine < shown || here !== turn;
  try {
    const away = await Promise.all(wish.less.map((song) => neighbourhood(song.id)));
    const spare = away.reduce((sum, one) => sum + one.ids.length + 2, 0);
    const answer = await api.recommendMood({ ...knobs(wish, spare), mood: moodText(mood, wish.moved) });
    if (isOld()) return null;
    shown = mine;
    state.songs = without(away, answer.songs).slice(0, wish.count).map((song, i) => ({ ...song, rank: i + 1 }));
    return { note: answer.note, isLast: mine === wished };
  } catch (problem) {
    if (isOld() || mine !== wished) return null;
    throw known(problem);
  }
}

function without(away, songs) {
  const ids = new Set(away.flatMap((one) => one.ids));
  const artists = new Set(away.map((one) => one.artist).filter(Boolean));
  return songs.filter((song) => !ids.has(song.id) && !artists.has(song.artist));
}

async function rerank() {
  try {
    const answer = await fetchSongs();
    if (answer) showReranked(answer);
  } catch (problem) {
    showRerankProblem(problem);
  }
}

function showReranked({ note, isLast }) {
  $('songs').classList.toggle('stale', !isLast);
  showFault(null);
  showNote(note);
  renderList();
  keep(false);
  if (isLast && state.songs.length) say(t('updated', { first: firstSong() }));
}

/* The list that is there stays, stale; a busy server is asked again when it said. */
function showRerankProblem(problem) {
  if (problem.kind === 'bad-argument') return showFault(problem);
  if (problem.kind === 'unauthorized') return showTrouble(problem, limits, { retry: () => { show('answer'); rerank(); }, back: goHome });
  toast(trouble(problem.kind).join('. '));
  if (problem.retryAfter) setTimeout(soon, 1000 * Math.min(60, problem.retryAfter));
  return undefined;
}

/* ------------------------------------------------------------------ ways through the page */

function goHome() {
  turn++;
  api.stop();
  endWaiting();
  history.pushState(null, '', location.pathname);
  showHome();
  $('choose').focus({ preventScroll: true });
}

function showHome() {
  setPhotos([]);
  state.mood = null;
  state.wish = noWish();
  document.title = 'dylumo';
  unpaint();
  buildPast(readHistory());
  show('welcome');
  scrollTo({ top: 0 });
}

/* What the address says: a mood from a link or from the history, or the start. */
async function route() {
  const text = location.hash.slice(1);
  turn++;
  if (!text) return showHome();
  const link = fromLink(text);
  if (!link) return showTrouble(new api.Problem('bad-link'), limits, { back: goHome });
  const past = readHistory().find((item) => item.link === text);
  const url = past?.small && blobAddress(past.small);
  setPhotos(url ? [{ blob: null, url }] : []);
  Object.assign(state, { ...link, songs: [], undo: [] });
  arrival = { time: past?.time ?? 0, small: past?.small ?? null, fromLink: !past };
  return openLink();
}

async function openLink() {
  paint(state.hues, state.mood.valence, state.mood.energy);
  renderFrame(state.photos, { most: 0 });
  showWaiting(state.wish.count, goHome);
  try {
    const answer = await fetchSongs();
    if (answer) arrive(answer.note, false);
  } catch (problem) {
    endWaiting();
    showTrouble(problem, limits, { retry: openLink, back: goHome });
  }
}

/* ------------------------------------------------------------------ start */

const THEMES = ['auto', 'light', 'dark'];

function setTheme(theme) {
  const name = THEMES.includes(theme) ? theme : 'auto';
  document.documentElement.dataset.theme = name;
  localStorage.setItem('dylumo.theme', name);
  $('theme').setAttribute('aria-label', t(`theme_${name}`));
  $('theme').title = t(`theme_${name}`);
}

function speak(wanted) {
  setLanguage(wanted);
  localStorage.setItem('dylumo.language', language());
  $('language').value = language();
  fillTexts();
  setTheme(document.documentElement.dataset.theme);
  buildSamples(takeSample);
  buildPast(readHistory());
  renderAbout();
  if (state.mood && !$('answer').hidden) renderAnswer();
}

function wireTools() {
  document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); $('main').focus(); });
  $('again').addEventListener('click', goHome);
  $('home').addEventListener('click', (event) => { event.preventDefault(); goHome(); });
  $('theme').addEventListener('click', () =>
    setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]));
  $('language').addEventListener('change', (event) => speak(event.target.value));
  $('forget').addEventListener('click', () => { forgetAll(); buildPast([]); $('choose').focus(); });
  $('undo').addEventListener('click', undo);
  $('reset').addEventListener('click', () => change('reset', () => { state.wish.moved = {}; }));
  $('clear-filters').addEventListener('click', () => {
    change('clear', () => { state.wish.filter = noFilter(); });
    rebuildFilters();
  });
  $('more').addEventListener('click', () => change(`more ${state.wish.count}`, () => { state.wish.count = Math.min(50, state.wish.count + 10); }));
  $('copy').addEventListener('click', async () => toast(t(await copyText(asText(state.songs)) ? 'copied' : 'copyFailed')));
  $('link').addEventListener('click', shareLink);
  $('tune-form').addEventListener('submit', (event) => event.preventDefault());
  wireMenu(async (format) => {
    try {
      toast(t('saved', { name: await savePlaylist(state.songs, format, words()) }));
    } catch (problem) {
      toast(trouble(known(problem).kind).join('. '));
    }
  });
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'z' && !$('answer').hidden && !event.target.matches('input[type=number], textarea')) {
      event.preventDefault();
      undo();
    }
  });
}

async function shareLink() {
  keep(false);
  if (matchMedia('(pointer: coarse)').matches && navigator.share) {
    try {
      await navigator.share({ title: t('linkLabel', { words: words() }), url: location.href });
    } catch { /* the visitor closed the sheet */ }
    return;
  }
  toast(t(await copyText(location.href) ? 'linkCopied' : 'copyFailed'));
}

function wireConnection() {
  const tell = () => { $('offline').hidden = navigator.onLine; };
  addEventListener('offline', tell);
  addEventListener('online', () => { tell(); soon(); });
  tell();
}

/* Beside the list the sliders stand open, and where there is room the filters too; on a phone both
 * wait folded. */
function wireWidth() {
  for (const [id, query] of [['tune', '(min-width: 760px)'], ['filter-box', '(min-width: 1180px)']]) {
    const wide = matchMedia(query);
    const fit = () => { $(id).open = wide.matches; };
    wide.addEventListener('change', fit);
    fit();
  }
}

async function start() {
  document.documentElement.dataset.theme = localStorage.getItem('dylumo.theme') ?? 'auto';
  buildPlane((valence, energy) => change('plane', () => { moveTo('valence', valence); moveTo('energy', energy); }));
  wireTools();
  wireConnection();
  wireWidth();
  wireIntake(take);
  speak(localStorage.getItem('dylumo.language') ?? navigator.language.slice(0, 2));
  addEventListener('popstate', route);
  route();
  try {
    about = await api.info();
    limits = { ...limits, ...about.limits };
    renderAbout();
  } catch { /* the first question will say what is wrong */ }
}

start();
