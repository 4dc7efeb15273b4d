/* The left side: the photos, the mood in words, its place on the plane, its emotions as bars. */
import { $, clamp, el, icon, style } from './dom.js';
import { moodColour } from './colour.js';
import { moodWords, number, sureWords, t } from './texts.js';

export function renderFrame(photos, { add, remove, most }) {
  const frame = $('frame');
  const pictures = photos.map((photo, i) => el('div', { class: 'shot' },
    photo.url
      ? el('img', { src: photo.url, alt: photos.length > 1 ? t('photoOf', { n: i + 1, count: photos.length }) : t('photo'),
        onerror: (event) => event.target.replaceWith(icon('photo')) })
      : icon('photo'),
    photos.length > 1 ? el('button', { type: 'button', class: 'button round small over', 'aria-label': t('removePhoto', { n: i + 1 }),
      onclick: () => remove(i) }, icon('close')) : null));
  frame.dataset.count = photos.length;
  frame.replaceChildren(el('div', { class: 'shots' }, pictures.length ? pictures : el('div', { class: 'shot art' })),
    ...(photos.length && photos.length < most && photos.every((photo) => photo.blob)
      ? [el('button', { type: 'button', class: 'button small over add', onclick: add }, icon('plus'), el('span', {}, t('addPhoto')))] : []));
}

const percent = (share) => Math.round(100 * share);

function emotionBar([name, share]) {
  return el('li', { 'aria-label': t('emotionBar', { name: t(name), percent: percent(share) }) },
    el('span', { 'aria-hidden': 'true', class: 'emotion-name' }, t(name)),
    el('span', { 'aria-hidden': 'true', class: 'bar' }, style(el('span', { class: `fill ${name}` }), { '--share': share })),
    el('span', { 'aria-hidden': 'true', class: 'emotion-share' }, number(percent(share))));
}

export function renderMood(mood, fromLink) {
  $('mood-words').textContent = moodWords(mood.valence, mood.energy);
  const line = t('sureLine', { sure: sureWords(mood.sure), valence: percent(mood.valence), energy: percent(mood.energy) });
  $('sure').textContent = fromLink ? `${t('linkLine')} ${line}` : line;
  const strongest = Object.entries(mood.emotions).sort((a, b) => b[1] - a[1]);
  $('emotions').replaceChildren(...strongest.map(emotionBar));
}

const dot = (kind) => el('span', { class: `dot ${kind}` });

export function buildPlane(aimed) {
  const plane = $('plane');
  const word = (side) => el('span', { class: `edge ${side.toLowerCase()}`, 'data-t': `plane${side}` });
  plane.replaceChildren(el('div', { class: 'field', role: 'img', id: 'field' }, el('span', { class: 'cross' }), dot('home'), dot('aim')),
    ...['Happy', 'Sad', 'Calm', 'Lively'].map(word));
  const field = $('field');
  const aim = (event) => {
    const box = field.getBoundingClientRect();
    aimed(clamp((event.clientX - box.left) / box.width), clamp((box.bottom - event.clientY) / box.height));
  };
  field.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    field.setPointerCapture(event.pointerId);
    aim(event);
  });
  field.addEventListener('pointermove', (event) => {
    if (field.hasPointerCapture(event.pointerId)) aim(event);
  });
}

export function renderPlane(mood, moved) {
  const valence = moved.valence ?? mood.valence;
  const energy = moved.energy ?? mood.energy;
  const field = $('field');
  style(field, { '--x': mood.valence, '--y': mood.energy, '--to-x': valence, '--to-y': energy,
    '--here': moodColour(valence, energy) });
  const isMoved = valence !== mood.valence || energy !== mood.energy;
  field.classList.toggle('moved', isMoved);
  field.setAttribute('aria-label', t('planeLabel', { valence: percent(mood.valence), energy: percent(mood.energy) }) +
    (isMoved ? ` ${t('planeMoved', { valence: percent(valence), energy: percent(energy) })}` : ''));
}
