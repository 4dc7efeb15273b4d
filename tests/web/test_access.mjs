/* For everyone: axe-core on every face and theme, the keyboard alone, both languages, all widths. */
import assert from 'node:assert/strict';
import { axeSource, choosePhoto, runPageTests, settle, songIds, test, waitForOthers, waitForSongs } from './web_support.mjs';

const axe = axeSource();

async function check(page, face) {
  await page.evaluate(axe); /* by the debugger: the page's policy allows no foreign script */
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
  assert.deepEqual(serious.map((one) => `${face}: ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`), []);
}

for (const colorScheme of ['light', 'dark'])
  test(`axe-core finds nothing serious, ${colorScheme}`, { options: { colorScheme }, quiet: true, run: async ({ page, address }) => {
    await page.goto(address);
    await page.waitForSelector('#samples img');
    await check(page, 'welcome');
    for (const name of ['coffee', 'camera']) {
      const before = await choosePhoto(page, address, name);
      await page.locator('.song .down').first().click();
      await page.locator('.genres summary').click();
      await page.locator('.more-sliders summary').click();
      await page.locator('.song .less').nth(2).click();
      await waitForOthers(page, before);
      await page.click('#save summary');
      await settle(page);
      await check(page, `answer of ${name}`);
    }
    await page.setInputFiles('#file', { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('this is no picture') });
    await page.waitForSelector('#trouble:not([hidden])');
    await check(page, 'trouble');
  } });

/* Presses Tab until an element fits; fails when the circle closes without it. */
async function tabTo(page, selector, most = 120) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  assert.fail(`Tab never reaches ${selector}`);
}

test('everything by keyboard: sample, slider, like, undo, playlist', async ({ page, address }) => {
  await page.goto(address);
  await page.waitForSelector('#samples img');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await tabTo(page, '#samples button');
  await page.keyboard.press('Enter');
  const before = await waitForSongs(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'mood-words', 'the answer has the focus');
  await tabTo(page, '.song .like');
  await page.keyboard.press('Space');
  const liked = await waitForOthers(page, before);
  await tabTo(page, '#slide-energy');
  for (let i = 0; i < 4; i++) await page.keyboard.press('PageUp');
  const moved = await waitForOthers(page, liked);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'slide-energy', 'the slider keeps the focus');
  assert.match(await page.getAttribute('#slide-energy', 'aria-valuetext'), /calm.*lively.*photo/);
  await page.keyboard.press('Control+z');
  await waitForOthers(page, moved);
  for (let i = 0; i < 200 && !(await page.evaluate(() => document.activeElement.matches('#save summary'))); i++)
    await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.getElementById('save').open), false);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.match(download.suggestedFilename(), /\.m3u8$/);
});

test('a screen reader is told what came', async ({ page, address }) => {
  await choosePhoto(page, address, 'cat');
  const title = await page.locator('.song h3').first().textContent();
  assert.ok((await page.textContent('#say')).includes(title));
  const nameless = await page.$$eval('button, a, input, select', (all) => all.filter((one) => one.checkVisibility() &&
    !one.getAttribute('aria-label') && !one.textContent.trim() && !one.labels?.length).map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
});

test('German, by the browser and by choice', { options: { locale: 'de-DE' }, run: async ({ page, address }) => {
  await choosePhoto(page, address, 'cat');
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
  assert.match(await page.locator('.why').first().textContent(), /als \d+\s% der Lieder/);
  assert.match(await page.textContent('#songs-title'), /Lieder/);
  await page.selectOption('#language', 'en');
  assert.match(await page.textContent('#songs-title'), /songs/);
  assert.match(await page.locator('.why').first().textContent(), /than \d+\s%/);
  await page.reload();
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
} });

test('no width from 320 to 1920 scrolls sideways, in either language', async ({ page, address }) => {
  await choosePhoto(page, address, 'rocket');
  for (const language of ['de', 'en']) {
    await page.selectOption('#language', language);
    for (const width of [320, 390, 760, 900, 1180, 1440, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${over} px too wide at ${width} (${language})`);
    }
  }
  assert.equal((await songIds(page)).length, 10);
});

test('the theme can be chosen and is kept', async ({ page, address }) => {
  await page.goto(address);
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.click('#theme');
  await page.click('#theme');
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  assert.notEqual(await paper(), light);
  await page.reload();
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
});

await runPageTests();
