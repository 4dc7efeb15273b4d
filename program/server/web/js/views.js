/* The page's four faces (welcome, waiting, answer, trouble) and its small notices. */
import { $, el, icon, style } from './dom.js';
import { setToken } from './api.js';
import { moodColour } from './colour.js';
import { blobAddress } from './photos.js';
import { renderSkeleton } from './songs.js';
import { fromLink } from './state.js';
import { moodWords, number, t, trouble, when } from './texts.js';

const SLOW_MS = 4000;
const VERY_SLOW_MS = 15000;
const SAMPLES = ['cat', 'coffee', 'rocket', 'astronaut', 'galaxies', 'camera'];

export function show(face) {
  $('welcome').hidden = face !== 'welcome';
  $('answer').hidden = face !== 'answer';
  $('trouble').hidden = face !== 'trouble';
  $('again').hidden = face === 'welcome';
  if (face !== 'answer') hideToast();
}

export const say = (text) => { $('say').textContent = text; };

let toastTimer;
export function toast(text, undo) {
  clearTimeout(toastTimer);
  $('toast').replaceChildren(el('span', {}, text),
    ...(undo ? [el('button', { type: 'button', class: 'button small', onclick: () => { hideToast(); undo(); } }, t('undo'))] : []));
  $('toast').classList.add('up');
  toastTimer = setTimeout(hideToast, 6000);
}

function hideToast() {
  $('toast').classList.remove('up');
  $('toast').replaceChildren();
}

/* ------------------------------------------------------------------ welcome */

export function buildSamples(take) {
  $('samples').replaceChildren(...SAMPLES.map((name) => el('li', {}, el('button', { type: 'button', class: 'thumb',
    'aria-label': t('sample', { name: t(`sample_${name}`) }), onclick: () => take(name) },
  el('img', { src: `/samples/${name}.jpg`, alt: '', width: 160, height: 120, loading: 'lazy' })))));
}

export function buildPast(list) {
  $('past').hidden = list.length === 0;
  $('past-list').replaceChildren(...list.map((item) => {
    const { mood } = fromLink(item.link);
    const words = moodWords(mood.valence, mood.energy);
    const address = item.small && blobAddress(item.small);
    const picture = address ? el('img', { src: address, alt: '' }) : el('span', { class: 'art' });
    const link = el('a', { class: 'thumb', href: `#${item.link}`, 'aria-label': t('historyItem', { words, when: when(item.time) }) },
      picture, el('span', { class: 'thumb-words', 'aria-hidden': 'true' }, words));
    return el('li', {}, style(link, { '--one': moodColour(mood.valence, mood.energy), '--two': moodColour(mood.valence, mood.energy, -0.2) }));
  }));
}

/* ------------------------------------------------------------------ waiting */

let slowTimers = [];

export function showWaiting(count, cancel) {
  show('answer');
  $('answer').classList.add('waiting');
  $('answer').setAttribute('aria-busy', 'true');
  $('mood-words').textContent = t('loading');
  const words = el('span', {});
  $('sure').replaceChildren(words, ' ', el('button', { type: 'button', class: 'button small', onclick: cancel }, t('cancel')));
  $('songs-title').textContent = ' ';
  for (const id of ['note', 'none', 'chips', 'more']) $(id).hidden = true;
  renderSkeleton(count);
  say(t('loading'));
  const tell = (key) => () => { words.textContent = t(key); say(t(key)); };
  slowTimers = [setTimeout(tell('loadingSlow'), SLOW_MS), setTimeout(tell('loadingVery'), VERY_SLOW_MS)];
}

export function endWaiting() {
  slowTimers.forEach(clearTimeout);
  $('answer').classList.remove('waiting');
  $('answer').removeAttribute('aria-busy');
}

/* ------------------------------------------------------------------ trouble */

let retryTimer;

export function showTrouble(problem, limits, { retry, back }) {
  clearInterval(retryTimer);
  const [title, text] = trouble(problem.kind, { megabytes: number(limits.body_bytes / 1048576), count: limits.pictures });
  const again = retry && el('button', { type: 'button', class: 'button main', onclick: () => { clearInterval(retryTimer); retry(); } }, t('retry'));
  const other = el('button', { type: 'button', class: 'button', onclick: back }, t('back'));
  $('trouble').replaceChildren(el('span', { class: 'trouble-sign', 'aria-hidden': 'true' }, icon(problem.kind === 'offline' ? 'offline' : 'photo')),
    el('h1', { tabindex: '-1' }, title), el('p', {}, text),
    problem.detail ? el('p', { class: 'fine', lang: 'en' }, problem.detail) : null,
    problem.kind === 'unauthorized' ? tokenForm(retry) : el('div', { class: 'row' }, ...[again, other].filter(Boolean)));
  show('trouble');
  $('trouble').querySelector('h1').focus();
  if (again && problem.retryAfter > 0) countDown(again, Math.min(600, problem.retryAfter));
}

/* A server that says when to come back is asked again then, by itself. */
function countDown(button, seconds) {
  const words = () => { button.textContent = t('retryIn', { n: seconds }); };
  words();
  retryTimer = setInterval(() => {
    seconds--;
    if (seconds > 0) words();
    else button.click();
  }, 1000);
}

function tokenForm(retry) {
  const input = el('input', { type: 'password', id: 'token', autocomplete: 'current-password', required: true });
  return el('form', { class: 'row', onsubmit: (event) => {
    event.preventDefault();
    setToken(input.value);
    retry();
  } }, el('label', { for: 'token' }, t('token')), input, el('button', { class: 'button main' }, t('tokenGo')));
}
