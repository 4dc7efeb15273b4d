/* The page's words and links, without a browser: each language says everything, and a link read
 * back is what was written. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { source, runTests, test } from './web_support.mjs';

globalThis.document = { documentElement: {}, querySelectorAll: () => [] };
const texts = await import(join(source, 'program/server/web/js/texts.js'));
const links = await import(join(source, 'program/server/web/js/state.js'));

function shape(value) {
  if (Array.isArray(value)) return value.map(shape);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]).sort());
  return [...String(value).matchAll(/\{\w+\}/g)].map(String).sort().join('');
}

test('both languages hold the same texts with the same places to fill', () => {
  const { en, de } = texts.languages;
  const { why: enWhy, ...enRest } = en;
  const { why: deWhy, ...deRest } = de;
  assert.deepEqual(enWhy, {});
  assert.deepEqual(shape(deRest), shape(enRest));
});

test('moods have the same words as the command, in fifths', () => {
  texts.setLanguage('en');
  assert.equal(texts.moodWords(0.73, 0.11), 'Rather happy and calm');
  assert.equal(texts.moodWords(0.1, 0.9), 'Sad but lively');
  assert.equal(texts.moodWords(0.5, 0.5), 'Balanced');
  assert.equal(texts.moodWords(0.5, 0.1), 'Calm, neither happy nor sad');
});

test('reasons are put together in German; unknown ones stay English and say so', () => {
  texts.setLanguage('de');
  assert.deepEqual(texts.whyWords('calmer than 89 % of songs (photo: 88 %), happier than 73 % (asked: 70 %)'),
    { text: 'ruhiger als 89\u00a0% der Lieder (Foto: 88\u00a0%), fröhlicher als 73\u00a0% (gewünscht: 70\u00a0%)', lang: null });
  assert.equal(texts.whyWords('faster than 89 % of songs (photo: happier than 71 %)').text,
    'schneller als 89\u00a0% der Lieder (Foto: fröhlicher als 71\u00a0%)');
  assert.equal(texts.whyWords('something new').lang, 'en');
});

test('notes are told in the page\'s language; unknown ones stay English and say so', () => {
  texts.setLanguage('de');
  assert.deepEqual(texts.noteWords('only 3 of 10 songs: no more pass the filter'),
    { text: 'Nur 3 von 10 Liedern: mehr passen nicht durch die Filter.', lang: null });
  assert.equal(texts.noteWords('something new').lang, 'en');
});

test('a link holds all but the photo', () => {
  const share = (names, base) => Object.fromEntries(names.map((name, i) => [name, +(base + i / 100).toFixed(3)]));
  const mood = { valence: 0.7277, energy: 0.1057, sure: 0.4715, emotions: share(links.EMOTIONS, 0.1),
    places: share(links.FEATURES, 0.2), features: share(links.FEATURES, 3) };
  const wish = { ...links.noWish(), moved: { energy: 0.9 }, liked: { id: 'a1', title: 'One: two & three_4' },
    less: [{ id: 'b2', title: '#hash' }], count: 20, filter: { ...links.noFilter(), yearFrom: 1990, genres: ['jazz', 'hip-hop'], season: true } };
  const back = links.fromLink(links.toLink({ mood, hues: [10, 200], wish }));
  assert.deepEqual(back.mood, mood);
  assert.deepEqual(back.hues, [10, 200]);
  assert.deepEqual(back.wish.filter, wish.filter);
  assert.deepEqual(back.wish.moved, wish.moved);
  assert.equal(back.wish.liked.title, wish.liked.title);
  assert.equal(back.wish.less[0].id, 'b2');
  assert.equal(back.wish.count, 20);
});

test('a stranger\'s link cannot slip words into the filter', () => {
  const back = links.fromLink('m=0.5_0.5_0.5&yearFrom=1990)%20or%20(1&genres=jazz)%20or%20id%3D1,soul&count=999&to=energy:7_evil:0.5');
  assert.equal(back.wish.filter.yearFrom, '');
  assert.deepEqual(back.wish.filter.genres, ['soul']);
  assert.deepEqual(back.wish.moved, {});
});

await runTests(() => null, () => null);
