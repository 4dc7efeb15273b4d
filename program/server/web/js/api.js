/* Talking to /v1/. Each answer is an object or a Problem is thrown, whose kind names a text in
 * texts.js. A newer question of the same kind cancels the older one, so the last answer wins. */
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

const running = {};

/* Cancels the question of this kind that is under way, if any. */
export function stop(kind) {
  running[kind]?.abort();
  delete running[kind];
}

async function latest(kind, path, options) {
  stop(kind);
  const control = new AbortController();
  running[kind] = control;
  try {
    return await (await ask(path, options, control.signal)).json();
  } finally {
    if (running[kind] === control) delete running[kind];
  }
}

/* Whether an error only says that a newer question has taken the place of this one. */
export const isOvertaken = (error) => error?.name === 'AbortError';

export function recommendPhotos(blobs, knobs) {
  stop('mood');
  const form = new FormData();
  for (const [name, value] of Object.entries(knobs)) form.append(name, value);
  blobs.forEach((blob, i) => form.append('image', blob, `photo-${i + 1}`));
  return latest('photo', '/v1/recommend', { method: 'POST', body: form });
}

export function recommendMood(knobs) {
  return latest('mood', `/v1/recommend?${new URLSearchParams(knobs)}`);
}

export const near = async (id, count) =>
  (await ask(`/v1/songs/${encodeURIComponent(id)}/near?count=${count}`)).json();

export const info = async () => (await ask('/v1/info')).json();

export const playlist = async (ids, format, title) =>
  (await ask(`/v1/playlist?${new URLSearchParams({ ids: ids.join(','), format, title })}`)).blob();
