/* A stand-in for `dylumo serve`, for looking at the page and for testing it where the server is not
 * built: the page's files from the source, answers from `dylumo recommend --json`, in the shapes of
 * docs/http-api.md. Loopback only; no limits, no care for strangers. It runs by hand as well:
 *
 *   node tests/web/stand_in.mjs PORT
 */
import { execFile } from 'node:child_process';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const source = process.env.DYLUMO_SOURCE ?? join(here, '../..');
const build = process.env.DYLUMO_BUILD ?? join(source, 'build');
const web = join(source, 'program/server/web');

const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml', '.jpg': 'image/jpeg', '.woff2': 'font/woff2', '.txt': 'text/plain; charset=utf-8' };
export const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const OPTIONS = { count: '--top-k', mood: '--mood', weight: '--weight', ignore: '--ignore', like: '--like', filter: '--filter',
  variety: '--variety', familiar: '--familiar', per_artist: '--per-artist' };

function run(args) {
  return new Promise((done) => {
    execFile(join(build, 'dylumo'), ['recommend', '--json', ...args], { maxBuffer: 1 << 26 },
      (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout, stderr }));
  });
}

const shown = new Map(); /* songs by id, as far as they were ever answered */

async function recommend(knobs, files) {
  const args = Object.entries(knobs).filter(([name]) => OPTIONS[name]).flatMap(([name, value]) => [OPTIONS[name], value]);
  if (knobs.season === 'true') args.push('--season');
  if (files.length > 1) args.push('--together');
  const { code, stdout, stderr } = await run([...args, ...files]);
  if (code) return { status: code === 7 ? 422 : 400, body: { type: `urn:dylumo:problem:${code === 7 ? 'bad-picture' : 'bad-argument'}`,
    title: 'Refused', status: code === 7 ? 422 : 400, detail: stderr.trim() } };
  const answer = JSON.parse(stdout.split('\n')[0]);
  answer.picture = null;
  answer.mood.places ??= Object.fromEntries(Object.keys(answer.mood.features).map((name) =>
    [name, name === 'energy' || name === 'valence' ? answer.mood[name] : 0.5]));
  for (const song of answer.songs) shown.set(song.id, song);
  return { status: 200, body: answer };
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

async function post(request) {
  const form = await new Response(await bodyOf(request), { headers: { 'content-type': request.headers['content-type'] } }).formData();
  const folder = await mkdtemp(join(tmpdir(), 'dylumo-'));
  try {
    const files = [];
    const knobs = {};
    for (const [name, value] of form) {
      if (typeof value === 'string') { knobs[name] = value; continue; }
      files.push(join(folder, String(files.length)));
      await writeFile(files.at(-1), Buffer.from(await value.arrayBuffer()));
    }
    return await recommend(knobs, files);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function playlist(ids, format, title) {
  const songs = ids.split(',').map((id) => shown.get(id)).filter(Boolean);
  const texts = {
    m3u8: () => `#EXTM3U\n#PLAYLIST:${title}\n${songs.map((s) => `#EXTINF:${Math.round(s.features.duration_ms / 1000)},${s.artist} - ${s.title}\n${s.url}\n`).join('')}`,
    csv: () => `id,title,artist\n${songs.map((s) => `${s.id},"${s.title}","${s.artist}"\n`).join('')}`,
    jspf: () => JSON.stringify({ playlist: { title, track: songs.map((s) => ({ title: s.title, creator: s.artist, location: [s.url] })) } }),
    xspf: () => `<?xml version="1.0" encoding="UTF-8"?>\n<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>${
      songs.map((s) => `<track><location>${s.url}</location></track>`).join('')}</trackList></playlist>\n`,
  };
  return texts[format]();
}

async function near(id) {
  const { body } = await recommend({ like: id, mood: 'valence=0.5', count: '20' }, []);
  return { status: shown.has(id) ? 200 : 404, body: { schema: 1, song: shown.get(id), songs: body.songs ?? [] } };
}

const features = ['danceability', 'energy', 'key', 'loudness', 'mode', 'speechiness', 'acousticness', 'instrumentalness', 'liveness',
  'valence', 'tempo', 'duration_ms', 'time_signature'];
const info = { schema: 1, version: '0.1.0', model: 'lite2', precision: 'f32', catalogue: { songs: 20498 },
  features: features.map((name) => ({ name, unit: '', min: 0, max: 1 })), emotions: ['amusement', 'anger', 'awe', 'contentment', 'excitement', 'fear', 'sadness'],
  limits: { body_bytes: 20971520, pixels: 100000000, pictures: 8, count: 200 } };

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const knobs = Object.fromEntries(searchParams);
  const found = /^\/v1\/songs\/([^/]+)\/near$/.exec(pathname);
  if (pathname === '/v1/recommend') return request.method === 'POST' ? post(request) : recommend(knobs, []);
  if (pathname === '/v1/info') return { status: 200, body: info };
  if (pathname === '/v1/playlist') return { status: 200, text: playlist(knobs.ids, knobs.format, knobs.title), type: 'application/octet-stream' };
  if (found) return near(found[1]);
  return file(pathname);
}

async function file(pathname) {
  const path = normalize(join(web, pathname === '/' ? 'index.html' : pathname));
  const bytes = path.startsWith(web) && await readFile(path).catch(() => null);
  return bytes ? { status: 200, text: bytes, type: TYPES[extname(path)] ?? 'application/octet-stream' }
    : { status: 404, body: { type: 'urn:dylumo:problem:not-found', title: 'Not found', status: 404, detail: pathname } };
}

export function startStandIn(port = 0) {
  const server = createServer(async (request, response) => {
    const { status, body, text, type } = await answer(request).catch((error) =>
      ({ status: 500, body: { type: 'urn:dylumo:problem:io', title: 'Failed', status: 500, detail: String(error) } }));
    response.writeHead(status, { 'content-type': type ?? (status < 400 ? 'application/json' : 'application/problem+json'),
      'content-security-policy': POLICY });
    response.end(body ? JSON.stringify(body) : text);
  });
  return new Promise((done) => { server.listen(port, '127.0.0.1', () => done({ server, address: `http://127.0.0.1:${server.address().port}` })); });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  console.log((await startStandIn(Number(process.argv[2] ?? 8080))).address);
