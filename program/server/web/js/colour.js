/* Two uses of colour. A place on the valence-energy plane has a colour: the plane's corners have
 * hues, and going round the plane goes round the wheel between them (css/answer.css draws the same
 * wheel). And a photo lends the page its hues: the three strongest, counted by chroma over a small
 * copy of it. */
const CORNERS = [ /* by angle: 45, 135, 225, 315 degrees; [lightness, chroma, hue] */
  [0.76, 0.16, 68], /* happy and lively */
  [0.6, 0.2, 12], /* sad and lively: tense */
  [0.5, 0.16, -88], /* sad and calm */
  [0.7, 0.13, -195], /* happy and calm */
];

function moodParts(valence, energy) {
  const [x, y] = [2 * valence - 1, 2 * energy - 1];
  const quarter = ((Math.atan2(y, x) * 2) / Math.PI + 3.5) % 4;
  const from = Math.floor(quarter);
  const part = quarter - from;
  const start = CORNERS[from];
  const end = from < 3 ? CORNERS[from + 1] : [CORNERS[0][0], CORNERS[0][1], CORNERS[0][2] - 360];
  const [lightness, chroma, hue] = start.map((value, i) => value + part * (end[i] - value));
  const faint = 0.45 + 0.55 * Math.min(1, Math.hypot(x, y)); /* the middle has less colour */
  return [lightness, chroma * faint, Math.round(hue + 720) % 360];
}

/* shade moves the lightness: -0.1 is darker. */
export function moodColour(valence, energy, shade = 0) {
  const [lightness, chroma, hue] = moodParts(valence, energy);
  return `oklch(${(lightness + shade).toFixed(3)} ${chroma.toFixed(3)} ${hue})`;
}

export const moodHue = (valence, energy) => moodParts(valence, energy)[2];

/* sRGB bytes to OKLab: Björn Ottosson, "A perceptual color space for image processing", 2020. */
function oklab(red, green, blue) {
  const linear = (byte) => {
    const x = byte / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  };
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

const BINS = 36;
const apart = (a, b) => Math.min(Math.abs(a - b), BINS - Math.abs(a - b));

/* Hues of the picture, strongest first; none for a picture without colour. */
export function huesOf(pixels) {
  const weights = new Array(BINS).fill(0);
  let total = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const [l, a, b] = oklab(pixels[i], pixels[i + 1], pixels[i + 2]);
    const chroma = Math.hypot(a, b);
    total += chroma;
    if (l < 0.12 || chroma < 0.025) continue;
    const hue = (Math.atan2(b, a) / (2 * Math.PI) + 1) % 1;
    weights[Math.floor(hue * BINS) % BINS] += chroma;
  }
  if (total / (pixels.length / 4) < 0.012) return [];
  const smooth = weights.map((w, i) => w + 0.5 * (weights[(i + 1) % BINS] + weights[(i + BINS - 1) % BINS]));
  const found = [];
  while (found.length < 3) {
    let best = -1;
    for (let i = 0; i < BINS; i++)
      if (found.every((f) => apart(f, i) >= 3) && (best < 0 || smooth[i] > smooth[best])) best = i;
    if (best < 0 || smooth[best] < 0.03 * smooth[found[0] ?? best]) break;
    found.push(best);
  }
  return found.map((bin) => Math.round(((bin + 0.5) * 360) / BINS));
}

/* Gives the page its colours; a picture without hues takes those of its mood, faintly. */
export function paint(hues, valence, energy) {
  const own = moodHue(valence, energy);
  const three = hues.length ? [0, 1, 2].map((i) => hues[i % hues.length]) : [own, own + 40, own - 40];
  const root = document.documentElement;
  three.forEach((hue, i) => root.style.setProperty(`--hue-${i + 1}`, hue));
  root.style.setProperty('--vivid', hues.length ? 1 : 0.35);
}

export function unpaint() {
  for (const name of ['--hue-1', '--hue-2', '--hue-3', '--vivid'])
    document.documentElement.style.removeProperty(name);
}
