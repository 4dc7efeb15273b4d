/* From a photo to a saved playlist, as a visitor with a mouse does it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { choosePhoto, photo, runPageTests, settle, songIds, test, waitForOthers, waitForSongs } from './web_support.mjs';

async function drop(page, name, type = 'image/jpeg', bytes = readFileSync(photo(name))) {
  const data = await page.evaluateHandle(([text, kind]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], 'dropped.jpg', { type: kind }));
    return transfer;
  }, [bytes.toString('base64'), type]);
  await page.dispatchEvent('#drop', 'dragenter', { dataTransfer: data });
  assert.equal(await page.isVisible('#overlay'), true);
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
}

test('a dropped photo brings its mood and ten songs', async ({ page, address }) => {
  await page.goto(address);
  await drop(page, 'cat');
  assert.equal((await waitForSongs(page)).length, 10);
  assert.equal(await page.isVisible('#overlay'), false);
  assert.match(await page.textContent('#mood-words'), /happy|sad|calm|lively|Balanced/);
  assert.equal(await page.locator('#emotions li').count(), 7);
  assert.match(await page.textContent('#legend'), /Ring: .*Bars: /);
  assert.match(await page.locator('.why').first().textContent(), /than \d+\s%/);
  assert.match(await page.locator('a.cover').first().getAttribute('href'), /^https:\/\/open\.spotify\.com\/track\//);
  assert.match(await page.getAttribute('#field', 'aria-label'), /\d+\s%/);
});

test('a pasted photo does too', async ({ page, address }) => {
  await page.goto(address);
  await page.evaluate((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], 'pasted.jpg', { type: 'image/jpeg' }));
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }));
  }, readFileSync(photo('coffee')).toString('base64'));
  assert.equal((await waitForSongs(page)).length, 10);
});

test('several photos are one mood; one can go again', async ({ page, address }) => {
  const pair = await choosePhoto(page, address, 'cat', 'rocket');
  assert.equal(await page.locator('.shot img').count(), 2);
  await page.locator('.shot button').nth(1).click();
  const single = await waitForOthers(page, pair);
  assert.equal(await page.locator('.shot img').count(), 1);
  assert.notDeepEqual(single, pair);
});

test('a slider starts at the photo, and dragged it ranks anew; the last answer wins', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  const slider = page.locator('#slide-energy');
  const start = Number(await slider.inputValue());
  assert.equal(start, Math.round(100 * new URL(page.url()).hash.match(/m=[\d.]+_([\d.]+)/)[1]));
  const asked = [];
  let release;
  const held = new Promise((done) => { release = done; });
  await page.route('**/v1/recommend?*', async (route) => {
    asked.push(route.request());
    if (asked.length === 1) await held;
    await route.continue();
  });
  const started = Date.now();
  const box = await slider.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 11 + (box.width - 22) * start / 100, y);
  await page.mouse.down();
  const first = page.waitForRequest('**/v1/recommend?*');
  await page.mouse.move(box.x + box.width * 0.5, y, { steps: 5 });
  await first;
  await page.mouse.move(box.x + box.width * 0.9, y, { steps: 12 });
  await page.mouse.up();
  const after = await waitForOthers(page, before);
  assert.ok(asked.length <= 2 + (Date.now() - started) / 150, `${asked.length} questions: the pace is not kept`);
  const wished = new URL(asked.at(-1).url()).searchParams.get('mood');
  assert.equal(Number(/energy=([\d.]+)/.exec(wished)[1]), Number(await slider.inputValue()) / 100);
  release();
  assert.equal((await asked[0].response()).status(), 200);
  await asked[0].response().then((response) => response.finished());
  await settle(page);
  assert.deepEqual(await songIds(page), after, 'an older answer came over a newer one');
  await page.click('#reset');
  assert.deepEqual(await waitForOthers(page, after), before);
});

test('the list is marked until the newest wish is answered, also one that is not asked about yet', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  const marked = page.evaluate(() => new Promise((done) => {
    const ask = window.fetch;
    window.fetch = async (...question) => {
      window.fetch = ask;
      const body = await (await ask(...question)).json();
      const slider = document.getElementById('slide-energy'); /* moves between the answer's coming and its showing */
      slider.value = 90;
      slider.dispatchEvent(new Event('input'));
      const list = document.getElementById('songs');
      new MutationObserver((_, observer) => { observer.disconnect(); done(list.classList.contains('stale')); })
        .observe(list, { childList: true });
      return { ok: true, json: async () => body };
    };
  }));
  await page.locator('#slide-energy').fill('30');
  assert.equal(await marked, true, 'the answer for 30 is shown as if it were the one for 90');
  await waitForOthers(page, before);
  assert.match(decodeURIComponent(new URL(page.url()).hash), /to=energy:0.9/);
});

test('the plane can be pulled', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  const box = await page.locator('#field').boundingBox();
  await page.mouse.click(box.x + box.width * 0.1, box.y + box.height * 0.1);
  await waitForOthers(page, before);
  assert.equal(Number(await page.inputValue('#slide-valence')) < 20, true);
  assert.equal(Number(await page.inputValue('#slide-energy')) > 80, true);
});

for (const [format, check] of Object.entries({
  m3u8: (text, ids) => { assert.match(text, /^#EXTM3U/); assert.equal(text.match(/#EXTINF/g).length, ids.length); },
  xspf: (text) => assert.match(text, /<playlist[^>]+xspf\.org/),
  jspf: (text, ids) => assert.equal(JSON.parse(text).playlist.track.length, ids.length),
  csv: (text, ids) => assert.equal(text.trim().split('\n').length, ids.length + 1),
}))
  test(`the list is saved as ${format}: these songs in this order`, async ({ page, address }) => {
    const ids = await choosePhoto(page, address, 'coffee');
    await page.click('#save summary');
    const [download] = await Promise.all([page.waitForEvent('download', { timeout: 20000 }), page.click(`[data-format=${format}]`)]);
    assert.match(download.suggestedFilename(), new RegExp(`^dylumo-.+\\.${format}$`));
    const text = readFileSync(await download.path(), 'utf8');
    check(text, ids);
    const places = ids.map((id) => text.indexOf(id));
    assert.ok(places.every((place, i) => place > (places[i - 1] ?? 0)), `order ${places}`);
  });

test('the list and its link go to the clipboard', async ({ page, context, address }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await choosePhoto(page, address, 'cat');
  await page.click('#copy');
  await page.waitForSelector('#toast.up');
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(text.split('\n').length, 10);
  assert.ok(text.includes(await page.locator('.song h3').first().textContent()));
  await page.click('#link');
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === location.href);
});

test('more like, less like, undo', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await page.locator('.song .like').nth(3).click();
  const leaning = await waitForOthers(page, before);
  assert.equal(await page.locator('#chips li').count(), 1);
  const artist = (await page.locator('.facts').first().textContent()).split(' · ')[0];
  await page.locator('.song .less').first().click();
  const fewer = await waitForOthers(page, leaning);
  assert.equal(fewer.includes(leaning[0]), false);
  assert.equal((await page.locator('.facts').allTextContents()).some((facts) => facts.startsWith(`${artist} · `)), false);
  await page.click('#undo');
  assert.deepEqual(await waitForOthers(page, fewer), leaning);
  await page.keyboard.press('Control+z');
  assert.deepEqual(await waitForOthers(page, leaning), before);
  assert.equal(await page.isDisabled('#undo'), true);
});

test('filters hold, and none that passes is said', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await page.fill('#filter-yearFrom', '1990');
  await page.fill('#filter-yearTo', '1999');
  await waitForOthers(page, before);
  const years = (await page.locator('.facts').allTextContents()).map((facts) => Number(/ · (\d{4})/.exec(facts)[1]));
  assert.ok(years.length === 10 && years.every((year) => year >= 1990 && year <= 1999), String(years));
  await page.fill('#filter-tempoFrom', '259');
  await page.waitForSelector('#none:not([hidden])');
  await page.click('#clear-filters');
  assert.deepEqual(await waitForSongs(page), before);
});

test('a link brings the answer back without the photo, in another browser', async ({ page, browser, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await page.locator('#slide-valence').fill('20');
  const moved = await waitForOthers(page, before);
  const words = await page.textContent('#mood-words');
  const other = await browser.newContext({ locale: 'en-GB' });
  const stranger = await other.newPage();
  const posts = [];
  stranger.on('request', (request) => { if (request.method() === 'POST') posts.push(request.url()); });
  await stranger.goto(page.url());
  assert.deepEqual(await waitForSongs(stranger), moved);
  assert.equal(await stranger.textContent('#mood-words'), words);
  assert.equal(await stranger.inputValue('#slide-valence'), '20');
  assert.deepEqual(posts, []);
  await stranger.click('#reset');
  assert.deepEqual(await waitForOthers(stranger, moved), before);
  await other.close();
});

test('the history lives in the browser, brings a mood back, and can be forgotten', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await page.click('#again');
  assert.equal(await page.locator('#past-list li').count(), 1);
  await page.reload();
  await page.locator('#past-list a').click();
  assert.deepEqual(await waitForSongs(page), before);
  assert.equal(await page.locator('.shot img').count(), 1);
  await page.goBack();
  await page.click('#forget');
  assert.equal(await page.isVisible('#past'), false);
  assert.equal(await page.evaluate(() => localStorage.getItem('dylumo.history')), null);
});

test('ten more songs follow the first ten', async ({ page, address }) => {
  const before = await choosePhoto(page, address, 'cat');
  await page.click('#more');
  const more = await waitForOthers(page, before);
  assert.equal(more.length, 20);
});

await runPageTests();
