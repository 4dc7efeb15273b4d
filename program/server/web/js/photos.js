/* Photos on their way in: chosen, shot, dropped anywhere or pasted; made smaller only when the
 * server would refuse them; and small copies for the history and for the page's colours. A picture
 * that the browser cannot show (HEIC in most) still goes to the server, which can. */
import { $ } from './dom.js';
import { huesOf } from './colour.js';

const looksLikePicture = (file) =>
  file.type.startsWith('image/') || /\.(jpe?g|png|webp|gif|tiff?|hei[cf]|avif)$/i.test(file.name ?? '');

function pictures(list) {
  const files = [...list];
  const good = files.filter(looksLikePicture);
  return good.length ? good : files; /* nothing fits: let the server say what is wrong */
}

export function wireIntake(take) {
  for (const [button, input] of [['choose', 'file'], ['camera', 'shoot']]) {
    $(button).addEventListener('click', () => $(input).click());
    $(input).addEventListener('change', () => {
      const files = pictures($(input).files);
      $(input).value = '';
      if (files.length) take(files);
    });
  }
  /* a camera only where a finger is the pointer: elsewhere it would be the same file dialog */
  $('camera').hidden = !matchMedia('(pointer: coarse)').matches;
  wireDrop(take);
  addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter(looksLikePicture);
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
}

function wireDrop(take) {
  let depth = 0;
  const show = (on) => { $('overlay').hidden = !on; };
  const withFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  addEventListener('dragenter', (event) => {
    if (!withFiles(event)) return;
    depth++;
    show(true);
  });
  addEventListener('dragleave', (event) => {
    if (withFiles(event) && --depth <= 0) show(false);
  });
  addEventListener('dragover', (event) => { if (withFiles(event)) event.preventDefault(); });
  addEventListener('drop', (event) => {
    depth = 0;
    show(false);
    if (!withFiles(event)) return;
    event.preventDefault();
    const files = pictures(event.dataTransfer.files);
    if (files.length) take(files);
  });
}

async function draw(blob, longest) {
  const whole = await createImageBitmap(blob);
  const scale = Math.min(1, longest / Math.max(whole.width, whole.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  canvas.getContext('2d').drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}

/* The photos as they are, or all at most 2048 pixels long when together they are over the limit. */
export async function fitted(blobs, limitBytes) {
  const total = blobs.reduce((sum, blob) => sum + blob.size, 0);
  if (total < limitBytes - 65536) return blobs;
  return Promise.all(blobs.map(async (blob) => {
    try {
      const canvas = await draw(blob, 2048);
      return await new Promise((done) => { canvas.toBlob((small) => done(small ?? blob), 'image/jpeg', 0.9); });
    } catch {
      return blob;
    }
  }));
}

/* {small, hues}: a copy as data address and the photo's colours; nulls for what cannot be shown. */
export async function lookAt(blob) {
  try {
    const canvas = await draw(blob, 320);
    const little = await draw(await new Promise((done) => { canvas.toBlob(done); }), 64);
    const pixels = little.getContext('2d').getImageData(0, 0, little.width, little.height).data;
    return { small: canvas.toDataURL('image/jpeg', 0.78), hues: huesOf(pixels) };
  } catch {
    return { small: null, hues: [] };
  }
}

/* A data address as a blob address: the page's policy shows pictures of its own making only. */
export function blobAddress(dataAddress) {
  const [head, body] = String(dataAddress).split(',');
  if (!/^data:image\/jpeg;base64$/.test(head)) return null;
  const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: 'image/jpeg' }));
}
