/* The right side: sliders that start at the photo's mood, and filters. Both only report; what
 * follows from them is main.js's. Built anew for a photo or a language, moved in place otherwise. */
import { $, el, icon, style } from './dom.js';
import { moodColour } from './colour.js';
import { number, raw, t } from './texts.js';
import { isFiltered } from './state.js';

const SLIDERS = ['valence', 'energy', 'acousticness', 'danceability', 'instrumentalness'];
const MORE = ['tempo', 'loudness', 'speechiness', 'liveness'];
const GENRES = ['pop', 'rock', 'latin', 'country', 'jazz', 'rap', 'hip-hop', 'classical', 'folk', 'funk', 'metal', 'disco',
  'soul', 'reggae', 'blues', 'indie', 'electronic', 'house', 'techno', 'ambient', 'piano', 'punk', 'acoustic', 'chill',
  'k-pop', 'soundtrack'];
const FIRST_YEAR = 1900;

const COLOURS = { valence: [[0.05, 0.4], [0.95, 0.6]], energy: [[0.5, 0.05], [0.5, 0.95]] };

export function placeOf(mood, name) {
  return name === 'valence' || name === 'energy' ? mood[name] : mood.places?.[name] ?? 0.5;
}

function slider(name, mood, report) {
  const [low, high] = raw('ends')[name];
  const input = el('input', { type: 'range', min: 0, max: 100, step: 1, id: `slide-${name}`, 'aria-label': t(name),
    oninput: (event) => report(name, Number(event.target.value) / 100) });
  const box = el('div', { class: 'slider', 'data-name': name }, el('div', { class: 'slider-head' }, el('label', { for: input.id }, t(name)),
    el('output', { for: input.id, class: 'slider-value' })),
  el('div', { class: 'track' }, input, el('span', { class: 'mark', 'aria-hidden': 'true' })),
  el('div', { class: 'ends', 'aria-hidden': 'true' }, el('span', {}, low), el('span', {}, high)));
  const colours = COLOURS[name];
  if (colours) style(box, { '--low': moodColour(...colours[0]), '--high': moodColour(...colours[1]) });
  return style(box, { '--mark': placeOf(mood, name) });
}

export function buildSliders(mood, report) {
  const wasOpen = $('sliders').querySelector('details')?.open ?? false;
  const legend = $('sliders').querySelector('legend');
  $('sliders').replaceChildren(legend, ...SLIDERS.map((name) => slider(name, mood, report)),
    el('details', { class: 'more-sliders', open: wasOpen }, el('summary', {}, t('moreSliders')), ...MORE.map((name) => slider(name, mood, report))));
}

export function moveSliders(mood, moved) {
  for (const box of $('sliders').querySelectorAll('.slider')) {
    const { name } = box.dataset;
    const input = box.querySelector('input');
    const value = Math.round(100 * (moved[name] ?? placeOf(mood, name)));
    if (Number(input.value) !== value) input.value = value;
    const [low, high] = raw('ends')[name];
    const said = t('sliderValue', { percent: number(value), low, high });
    input.setAttribute('aria-valuetext', moved[name] === undefined ? said
      : t('sliderFrom', { value: said, photo: number(100 * placeOf(mood, name)) }));
    box.querySelector('output').textContent = number(value);
    box.classList.toggle('moved', moved[name] !== undefined);
    style(box, { '--at': value / 100 });
  }
  $('reset').disabled = Object.keys(moved).length === 0;
}

/* ------------------------------------------------------------------ filters */

function numberField(key, filter, label, limits, report) {
  return el('input', { type: 'number', inputmode: 'numeric', id: `filter-${key}`, 'aria-label': label, placeholder: limits.hint ?? '',
    min: limits.min, max: limits.max, step: limits.step ?? 1, value: filter[key] || null,
    oninput: (event) => { if (event.target.validity.valid) report(key, event.target.value === '' ? '' : Number(event.target.value)); } });
}

function pair(title, first, second) {
  return el('div', { class: 'field-row', role: 'group', 'aria-label': title }, el('span', { class: 'field-name' }, title), first,
    el('span', { 'aria-hidden': 'true' }, '–'), second);
}

function softSlider(key, filter, ends, scale, report) {
  const input = el('input', { type: 'range', min: 0, max: 100, step: 5, id: `filter-${key}`, value: Math.round(100 * filter[key] / scale),
    'aria-label': t(key === 'popularity' ? 'popular' : key),
    oninput: (event) => { style(box, { '--at': event.target.value / 100 }); report(key, Number(event.target.value) * scale / 100); } });
  const box = el('div', { class: 'slider soft' }, el('div', { class: 'slider-head' }, el('label', { for: input.id }, t(key === 'popularity' ? 'popular' : key))),
    el('div', { class: 'track' }, input), ends ? el('div', { class: 'ends', 'aria-hidden': 'true' }, el('span', {}, ends[0]), el('span', {}, ends[1])) : null);
  return style(box, { '--at': filter[key] / scale });
}

function genreChips(filter, report) {
  const wasOpen = $('filters').querySelector('.genres')?.open ?? false;
  const chosen = new Set(filter.genres);
  const known = [...new Set([...GENRES, ...filter.genres])];
  const summary = el('summary', {});
  const tell = () => { summary.textContent = chosen.size ? t('genresSome', { list: [...chosen].join(', ') }) : t('genres'); };
  const chip = (name) => el('label', { class: 'chip' }, el('input', { type: 'checkbox', checked: chosen.has(name), onchange: (event) => {
    if (event.target.checked) chosen.add(name); else chosen.delete(name);
    tell();
    report('genres', [...chosen]);
  } }), el('span', {}, name));
  tell();
  return el('details', { class: 'genres', open: wasOpen }, summary, el('div', { class: 'chips' }, ...known.map(chip)));
}

export function buildFilters(wish, report) {
  const { filter } = wish;
  const year = new Date().getFullYear();
  const years = { min: FIRST_YEAR, max: year };
  $('filters').replaceChildren(
    pair(t('years'), numberField('yearFrom', filter, `${t('years')}, ${t('from')}`, { ...years, hint: '1960' }, report),
      numberField('yearTo', filter, `${t('years')}, ${t('to')}`, { ...years, hint: String(year) }, report)),
    pair(t('beats'), numberField('tempoFrom', filter, `${t('beats')}, ${t('from')}`, { min: 20, max: 260, hint: '60' }, report),
      numberField('tempoTo', filter, `${t('beats')}, ${t('to')}`, { min: 20, max: 260, hint: '180' }, report)),
    el('div', { class: 'field-row' }, el('label', { class: 'field-name', for: 'filter-minutes' }, t('minutes')),
      numberField('minutes', filter, t('minutes'), { min: 0.5, max: 60, step: 0.5, hint: '6' }, report)),
    genreChips(filter, report),
    softSlider('popularity', filter, null, 100, report),
    softSlider('familiar', filter, raw('familiarEnds'), 1, report),
    softSlider('variety', filter, raw('varietyEnds'), 1, report),
    el('label', { class: 'check' }, el('input', { type: 'checkbox', id: 'filter-season', checked: filter.season,
      onchange: (event) => report('season', event.target.checked) }), el('span', {}, t('season'))));
}

export function renderChips(wish, drop) {
  const chips = [...(wish.liked ? [['likedChip', wish.liked]] : []), ...wish.less.map((song) => ['lessChip', song])];
  $('chips').hidden = chips.length === 0;
  $('chips').replaceChildren(...chips.map(([key, song]) => {
    const text = t(key, { title: song.title });
    return el('li', {}, el('button', { type: 'button', class: 'chip', 'aria-label': t('dropChip', { text }), onclick: () => drop(song.id) },
      el('span', {}, text), icon('close')));
  }));
}

export const showNone = (songs, wish) => {
  $('none').hidden = songs.length > 0;
  $('clear-filters').hidden = !isFiltered(wish);
};
