/* Talking to /v1/. Each answer is an object or a Problem is thrown, whose kind names a text in
 * texts.js. Photos are asked about one set at a time: a newer question cancels the older. */
const TOKEN = 'dylumo.token';
const PATIENCE_MS = 60000;

export class Problem extends Error {
  constructor(kind, detail = '', retryAfter = 0) {
    super(`${kind} ${detail}`);
    Object.assign(this, { kind, detail, retryAfter });
  }
}

export const setToken = (token) => sessionStorage.setItem(TOKEN, token);

const KINDS = ['too-large', 'unsupported', 'bad-picture', 'busy', 'too-many-requests', 'unauthorized',
  'bad-argument'];
const BY_STATUS = { 400: 'bad-argument', 401: 'unauthorized', 408: 'timeout', 413: 'too-large',
  415: 'unsupported', 422: 'bad-picture', 429: 'too-many-requests', 503: 'busy' };

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const name = String(body.type ?? '').split(':').pop();
  const kind = KINDS.includes(name) ? name : BY_STATUS[response.status] ?? 'other';
  return new Problem(kind, body.detail ?? '', Number(response.headers.get('Retry-After')) || 0);
}

async function ask(path, options, signal) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const late = AbortSignal.timeout(PATIENCE_MS);
  const signals = signal ? AbortSignal.any([signal, late]) : late;
  let response;
  try {
    response = await fetch(path, { ...options, headers, signal: signals });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(late.aborted ? 'timeout' : 'offline');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

let underWay = null;

/* Cancels the question about photos that is under way, if any. */
export function stop() {
  underWay?.abort();
  underWay = null;
}

/* Whether an error only says that the question was cancelled. */
export const isCancelled = (error) => error?.name === 'AbortError';

export async function recommendPhotos(blobs, knobs) {
  stop();
  const form = new FormData();
  for (const [name, value] of Object.entries(knobs)) form.append(name, value);
  blobs.forEach((blob, i) => form.append('image', blob, `photo-${i + 1}`));
  const control = new AbortController();
  underWay = control;
  return (await ask('/v1/recommend', { method: 'POST', body: form }, control.signal)).json();
}

export const recommendMood = async (knobs) => (await ask(`/v1/recommend?${new URLSearchParams(knobs)}`)).json();

export const near = async (id, count) =>
  (await ask(`/v1/songs/${encodeURIComponent(id)}/near?count=${count}`)).json();

export const info = async () => (await ask('/v1/info')).json();

export const playlist = async (ids, format, title) =>
  (await ask(`/v1/playlist?${new URLSearchParams({ ids: ids.join(','), format, title })}`)).blob();
