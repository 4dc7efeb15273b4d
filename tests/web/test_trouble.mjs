/* What can go wrong, and that the page says so: broken pictures, slow, busy, private and missing
 * servers, no connection, damaged links and storage. */
import assert from 'node:assert/strict';
import { choosePhoto, photo, runPageTests, songIds, test, waitForOthers, waitForSongs } from './web_support.mjs';

const troubled = (page) => page.waitForSelector('#trouble:not([hidden])');
const problem = (route, status, type, headers = {}) => route.fulfill({ status, headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: `urn:dylumo:problem:${type}`, title: 'no', status, detail: `told by the test: ${type}` }) });
const rude = (run) => ({ quiet: true, run });

test('a file that is no picture is named so, and another photo can follow', rude(async ({ page, address }) => {
  await page.goto(address);
  await page.setInputFiles('#file', { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('this is no picture') });
  await troubled(page);
  assert.match(await page.textContent('#trouble h1'), /Not a readable picture|Not this kind/);
  await page.locator('#trouble .button:not(.main)').click();
  assert.equal(await page.isVisible('#welcome'), true);
  await page.setInputFiles('#file', photo('cat'));
  assert.equal((await waitForSongs(page)).length, 10);
}));

test('a busy server is asked again when it said so', rude(async ({ page, address }) => {
  let times = 0;
  await page.route('**/v1/recommend', (route) => (++times === 1 ? problem(route, 503, 'busy', { 'Retry-After': '1' }) : route.continue()));
  await page.goto(address);
  await page.setInputFiles('#file', photo('cat'));
  await troubled(page);
  assert.match(await page.textContent('#trouble .main'), /1 s/);
  assert.equal((await waitForSongs(page)).length, 10);
  assert.equal(times, 2);
}));

test('a private server asks for its token and gets it', rude(async ({ page, address }) => {
  const tokens = [];
  await page.route('**/v1/recommend', (route) => {
    const token = route.request().headers().authorization;
    tokens.push(token);
    return token === 'Bearer open sesame' ? route.continue() : problem(route, 401, 'unauthorized');
  });
  await page.goto(address);
  await page.setInputFiles('#file', photo('cat'));
  await troubled(page);
  await page.fill('#token', 'open sesame');
  await page.keyboard.press('Enter');
  assert.equal((await waitForSongs(page)).length, 10);
  assert.deepEqual(tokens, [undefined, 'Bearer open sesame']);
}));

test('while a slow server works the page says so, and can be stopped', rude(async ({ page, address }) => {
  await page.route('**/v1/recommend', () => {}); /* never answers */
  await page.goto(address);
  await page.setInputFiles('#file', photo('cat'));
  await page.waitForSelector('#answer.waiting .ghost');
  assert.equal(await page.getAttribute('#answer', 'aria-busy'), 'true');
  await page.waitForFunction(() => document.getElementById('sure').textContent.includes('Still at it'));
  await page.locator('#sure button').click();
  assert.equal(await page.isVisible('#welcome'), true);
}));

test('without a connection the list stays; back again, it follows', rude(async ({ page, context, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await context.setOffline(true);
  await page.waitForSelector('#offline:not([hidden])');
  await page.locator('#slide-energy').fill('90');
  await page.waitForSelector('#toast.up');
  assert.deepEqual(await songIds(page), before);
  await context.setOffline(false);
  await page.waitForSelector('#offline', { state: 'hidden' });
  await waitForOthers(page, before);
}));

test('a server that is gone is told from a broken photo', rude(async ({ page, address }) => {
  await page.goto(address);
  await page.route('**/v1/recommend', (route) => route.abort('connectionrefused'));
  await page.setInputFiles('#file', photo('cat'));
  await troubled(page);
  assert.equal(await page.textContent('#trouble h1'), 'No connection');
  await page.unroute('**/v1/recommend');
  await page.locator('#trouble .main').click();
  assert.equal((await waitForSongs(page)).length, 10);
}));

test('nine photos are too many', async ({ page, address }) => {
  await page.goto(address);
  await page.setInputFiles('#file', Array.from({ length: 9 }, () => photo('cat')));
  await troubled(page);
  assert.match(await page.textContent('#trouble'), /At most 8/);
});

test('damaged links and storage do no harm', async ({ page, address }) => {
  for (const hash of ['m=2_0_0', 'm=nan', 'x', 'm=0.5_0.5']) {
    await page.goto('about:blank');
    await page.goto(`${address}/#${hash}`);
    await troubled(page);
    assert.match(await page.textContent('#trouble h1'), /incomplete/);
  }
  await page.evaluate(() => {
    localStorage.setItem('dylumo.history', '[{"link": 5}, null, {"link": "m=0.5_0.5_0.5", "small": "data:text/html,x"}]');
    localStorage.setItem('dylumo.theme', 'plaid');
  });
  await page.goto('about:blank');
  await page.goto(address);
  await page.waitForSelector('#samples img');
  assert.equal(await page.locator('#past-list li').count(), 1);
  assert.equal(await page.getAttribute('html', 'data-theme'), 'auto');
});

test('a title with markup in it stays text', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await page.route('**/v1/recommend?*', async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.songs[0].title = '<img src=x onerror=alert(1)>';
    await route.fulfill({ response, json: answer });
  });
  await page.locator('#slide-energy').fill('90');
  await waitForOthers(page, before);
  assert.equal(await page.locator('.song h3').first().textContent(), '<img src=x onerror=alert(1)>');
});

await runPageTests();
