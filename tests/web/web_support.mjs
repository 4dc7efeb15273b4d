/* For the browser tests: TAP, a server to ask (the real one where it is built, else the stand-in),
 * and a browser. What is missing is told as a skip, never as silence. */
import { spawn, execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStandIn } from './stand_in.mjs';

export const source = process.env.DYLUMO_SOURCE ?? join(dirname(fileURLToPath(import.meta.url)), '../..');
export const build = process.env.DYLUMO_BUILD ?? join(source, 'build');
const packages = process.env.DYLUMO_WEB_PACKAGES ?? join(source, 'build/web');
export const photo = (name) => join(source, 'photos', `${name}.jpg`);
export const WAIT_MS = 60000; /* a loaded machine is slow, not wrong */

function skipAll(why) {
  console.log(`1..0 # SKIP ${why}`);
  process.exit(0);
}

function need(name) {
  try {
    return createRequire(join(packages, 'package.json'))(name);
  } catch {
    return skipAll(`npm's ${name} is not in build/web: tools/setup_web.sh could not get it`);
  }
}

function findChromium() {
  for (const path of [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'])
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch { /* the next one */ }
  return skipAll('no chromium on this machine');
}

export async function openBrowser() {
  const { chromium } = need('playwright-core');
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: findChromium(), args: [...sandbox, '--disable-gpu'] });
}

export const axeSource = () => need('axe-core').source;

function hasServer() {
  try {
    execFileSync(join(build, 'dylumo'), ['serve', '--help'], { stdio: 'ignore' });
    return process.env.DYLUMO_WEB_SERVER !== 'stand-in';
  } catch {
    return false;
  }
}

/* {address, stop}. The real server tells its port on standard error; one that runs already can be
 * named by DYLUMO_WEB_ADDRESS. */
export async function startServer() {
  const running = process.env.DYLUMO_WEB_ADDRESS;
  if (running) return { address: running, stop: () => {} };
  if (!hasServer()) {
    console.log('# asking tests/web/stand_in.mjs');
    const { server, address } = await startStandIn();
    return { address, stop: () => { server.closeAllConnections(); server.close(); } };
  }
  console.log('# asking dylumo serve');
  const child = spawn(join(build, 'dylumo'), ['serve', '--listen', '127.0.0.1:0', '--rate', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise((done, failed) => {
    let said = '';
    child.stderr.on('data', (data) => {
      if (said === null) return;
      said += data;
      const found = /listening on (http:\/\/\S+)/.exec(said);
      if (!found) return;
      said = null;
      done(found[1]);
    });
    child.on('exit', (code) => failed(new Error(`dylumo serve ended with ${code}: ${said}`)));
  });
  return { address, stop: () => child.kill('SIGTERM') };
}

/* ------------------------------------------------------------------ TAP */

const tests = [];
const wanted = new RegExp(process.argv[2] ?? ''); /* node test_answer.mjs slider: those alone */
export const test = (name, work) => { if (wanted.test(name)) tests.push([name, work]); };

export async function runTests(setUp, tearDown) {
  let failed = 0;
  const shared = await setUp();
  console.log(`1..${tests.length}`);
  for (const [number, [name, work]] of tests.entries())
    try {
      await work(shared);
      console.log(`ok ${number + 1} - ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${number + 1} - ${name}\n${String(error.stack ?? error).replace(/^/gm, '# ')}`);
    }
  await tearDown(shared);
  process.exit(failed ? 1 : 0);
}

/* A file of browser tests: each gets {page, context, address}; a word on the console is a failure. */
export async function runPageTests() {
  const browser = await openBrowser();
  const server = await startServer();
  for (const entry of tests) entry[1] = inPage(browser, server.address, entry[1]);
  await runTests(() => null, async () => {
    await browser.close();
    await server.stop();
  });
}

const inPage = (browser, address, work) => async () => {
  const { options = {}, quiet = false, run } = typeof work === 'function' ? { run: work } : work;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const words = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) words.push(message.text()); });
  page.on('pageerror', (error) => words.push(String(error.stack)));
  try {
    await run({ page, context, browser, address });
    if (words.length && !quiet) throw new Error(`the console says:\n${words.join('\n')}`);
    if (words.some((word) => /Content Security Policy|Error: /.test(word) && !/net::ERR|status of/.test(word))) throw new Error(words.join('\n'));
  } finally {
    await context.close();
  }
};

/* ------------------------------------------------------------------ the page */

export const songIds = (page) => page.$$eval('#songs .song:not(.ghost)', (items) => items.map((item) => item.dataset.id));

export async function waitForSongs(page) {
  await page.waitForSelector('#answer:not(.waiting) #songs:not(.stale) .song:not(.ghost)');
  return songIds(page);
}

/* Waits until the list is another one than `before`. */
export async function waitForOthers(page, before) {
  await page.waitForFunction((old) => {
    const list = document.getElementById('songs');
    const ids = [...list.querySelectorAll('.song:not(.ghost)')].map((item) => item.dataset.id).join();
    return ids && ids !== old && !list.classList.contains('stale');
  }, before.join());
  return songIds(page);
}

/* Lets the page do what it has at hand: tasks, frames, animations that end. */
export const settle = (page) => page.evaluate(async () => {
  for (let i = 0; i < 2; i++) await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
  const ending = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
  await Promise.all(ending.map((one) => one.finished.catch(() => {})));
});

export async function choosePhoto(page, address, ...names) {
  await page.goto(address);
  await page.setInputFiles('#file', names.map(photo));
  return waitForSongs(page);
}
