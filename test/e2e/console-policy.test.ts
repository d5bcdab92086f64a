/**
 * The pages of policy and lists in a real browser on a fake API: try a connection, change and replay, versions and the way
 * back, export and import; each judged by axe, in both themes and on a phone.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { axe, open, shot } from '../web/client/browser.ts';
import type { FakeApi } from '../web/client/fake-api.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: policy and lists', { timeout: 180_000 }, () => {
  let stage: Stage;
  let browser: Browser;
  let api: FakeApi;

  before(async () => {
    stage = await setStage(50);
    ({ browser, api } = stage);
  });

  after(() => stage.strike());

  it('lists the rules with their hits and what is wrong with them', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/policy?tab=rules`);
    const row = page.getByRole('row', { name: /gambling/ });
    await row.waitFor();
    assert.match((await row.textContent()) ?? '', /owner Works council/);
    const hits = row.getByTitle('See these connections');
    assert.equal(
      await hits.getAttribute('href'),
      '/traffic?show=connections&q=rule%3Agambling&range=30d&live=off',
    );
    await page.getByText('Expired on 2026-10-31').waitFor();
    await page.getByText('Never reached: "web"').waitFor();
    await axe(page, 'rules');
    await shot(page, stage.pictures, 'policy-rules');
    await page.getByRole('button', { name: '24 hours' }).click();
    await page.waitForFunction(
      `performance.getEntriesByType('resource').some(e => e.name.endsWith('rules?since=24h'))`,
    );
    await page.getByRole('link', { name: 'finance', exact: true }).click();
    await page.locator('.line-marked').waitFor();
    await close();
    assert.deepEqual(trouble, []);
  });

  it('draws a decision as the path through the rules', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/policy?tab=try`);
    await page.getByLabel('Server name (SNI)').fill('www.bank.example');
    await page.getByLabel('Client address').fill('10.1.2.3');
    await page.getByLabel('User', { exact: true }).fill('chioma');
    await page.getByRole('button', { name: 'Explain' }).click();
    const told = page.getByRole('region', { name: 'Decision' });
    await told.waitFor();
    assert.match(
      (await told.locator('.explained-sentence').textContent()) ?? '',
      /www\.bank\.example would be passed on undecrypted, because rule finance is the first that matches/,
    );
    assert.match((await told.locator('[aria-current=step]').textContent()) ?? '', /2finance/);
    await told.getByText('3 rules behind it').waitFor();
    assert.match(page.url(), /sni=www\.bank\.example&client=10\.1\.2\.3&user=chioma/);
    await axe(page, 'try it');
    await shot(page, stage.pictures, 'policy-try');
    await page.getByLabel('Server name (SNI)').fill('elsewhere.example');
    await page.getByRole('button', { name: 'Explain' }).click();
    await told.getByText('because no rule matches').waitFor();
    await axe(page, 'try it, default');
    await page.goBack();
    await told.getByText('would be passed on undecrypted').waitFor();
    await page.goto(`${api.origin}/policy?tab=try&record=1a-3&sni=www.bank.example&client=10.9.8.7`);
    await told.getByText('Recorded then:').waitFor();
    await page.getByText('Decided with everything that was recorded of 1a-3').waitFor();
    assert.equal(await page.getByLabel('Client address').inputValue(), '10.9.8.7');
    await axe(page, 'try it, recorded');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('Decided with everything').waitFor({ state: 'detached' });
    assert.doesNotMatch(page.url(), /record=/);
    await close();
    assert.deepEqual(trouble, []);
  });

  it('checks, replays and applies a candidate; the draft is kept meanwhile', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/policy?tab=change`);
    const editor = page.getByLabel('Candidate document');
    const before = await editor.inputValue();
    await editor.fill(before.replace('action: block', 'action: peek'));
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('policy.yaml:22:13').waitFor();
    await axe(page, 'candidate with problems');
    await shot(page, stage.pictures, 'policy-problems');
    await editor.fill(before.replace('action: passthrough', 'action: inspect'));
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.getByRole('tab', { name: 'Change' }).click();
    assert.match(await editor.inputValue(), /finance[^-]*action: inspect/);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByRole('button', { name: 'Apply …' }).waitFor();
    await page.getByText('says inspect instead of block').waitFor();
    await page.getByRole('button', { name: '7 days' }).click();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('41,000 connections decided again').waitFor();
    await page.getByText('1,242 of 84,112').waitFor();
    assert.deepEqual(api.policies.changes.at(-1)?.body['since'], '7d');
    const card = page.getByRole('region', { name: 'passthrough to inspect' });
    const host = card.getByRole('link', { name: /www\.bank\.example/ });
    assert.equal(
      await host.getAttribute('href'),
      '/traffic?show=connections&q=host%3Awww.bank.example+verdict%3Apassthrough&range=7d&live=off',
    );
    await axe(page, 'replay');
    await page.screenshot({ path: `${stage.pictures}/policy-replay.png`, fullPage: true });
    await page.getByRole('button', { name: 'Apply …' }).click();
    const dialog = page.getByRole('dialog');
    await axe(page, 'apply');
    assert.equal(await dialog.getByRole('button', { name: 'Apply' }).isDisabled(), true);
    await dialog.getByLabel('Why').fill('Works council agreed (ticket 4712)');
    await shot(page, stage.pictures, 'policy-apply');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('In force now as version 15').waitFor();
    const sent = api.policies.changes.at(-1)?.body;
    assert.deepEqual(
      [sent?.['comment'], sent?.['base']],
      ['Works council agreed (ticket 4712)', '3fa2c19b0d4e'],
    );
    assert.equal(await dialog.count(), 0);
    await close();
    assert.deepEqual(trouble, []);
  });

  it('shows versions, compares them and goes back with a comment', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/policy?tab=versions`);
    await page.getByText('in force', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'What changed in version 14' }).click();
    await page.getByRole('region', { name: 'Version 13 to version 14' }).waitFor();
    await page.getByText('+    capture: bodies').waitFor();
    await axe(page, 'versions');
    await shot(page, stage.pictures, 'policy-versions');
    await page.getByRole('button', { name: /Go back to this … version 13/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('rule "uploads"').waitFor();
    await dialog.getByLabel('Bring back the document alone').waitFor();
    await dialog.getByLabel('Why').fill('Bodies filled the disk');
    await axe(page, 'go back');
    await dialog.getByRole('button', { name: 'Go back to version 13' }).click();
    await page.getByText(/In force now as version/).waitFor();
    assert.equal(api.policies.changes.at(-1)?.path, '/api/policy/rollback');
    assert.equal(api.policies.changes.at(-1)?.body['n'], 13);
    await page.getByText('Lists as they were then: gambling, threats').waitFor();
    await page.getByText('These are not refreshed until you fetch them').waitFor();
    await close();
    assert.deepEqual(trouble, []);
  });

  it('proposes a patch where git holds the policy, and nothing where the role may not', async () => {
    api.policies.inGit = true;
    api.policy = { ...api.policy, inGit: true };
    const { page, trouble, close } = await open(browser, `${api.origin}/policy?tab=change`);
    const editor = page.getByLabel('Candidate document');
    await editor.fill(`${await editor.inputValue()}\n# more`);
    await page.getByRole('button', { name: 'Check' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the patch' }).click();
    assert.equal((await download).suggestedFilename(), 'policy.patch');
    assert.equal(await page.getByRole('button', { name: 'Apply …' }).count(), 0);
    await axe(page, 'patch');
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByText('revert the commit there').waitFor();
    assert.equal(await page.getByRole('button', { name: /Go back to this/ }).count(), 0);
    await page.getByRole('button', { name: /Patch back to this … version 13/ }).click();
    await page.getByRole('region', { name: /Version \d+ to version 13/ }).waitFor();
    const backwards = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as a patch' }).click();
    assert.match((await backwards).suggestedFilename(), /^policy-\d+-13\.patch$/);
    await close();
    api.policies.inGit = false;
    api.policy = { ...api.policy, inGit: false };
    const everything = api.can;
    api.can = everything.filter(permission => permission !== 'policy-edit');
    const reader = await open(browser, `${api.origin}/policy?tab=versions`);
    await reader.page.getByText('in force', { exact: true }).waitFor();
    assert.equal(await reader.page.getByRole('button', { name: /Go back to this/ }).count(), 0);
    await reader.close();
    api.can = everything;
    assert.deepEqual([...trouble, ...reader.trouble], []);
  });

  it('shows lists, exports them with what could not be said, and imports after showing the difference', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/lists`);
    await page.getByText('41,391 names').waitFor();
    await page.getByText('No rule uses it.').waitFor();
    await page.getByText('that is overdue').waitFor();
    await page.getByText('What its publisher serves now is not trusted.').waitFor();
    await page.getByText('Held at what it was in version 13').waitFor();
    await page.getByRole('button', { name: 'Fetch now threats' }).click();
    await page.getByRole('button', { name: 'Fetch now threats' }).waitFor();
    assert.deepEqual(api.policies.changes.at(-1), { path: '/api/lists/fetch', body: { list: 'threats' } });
    await page.getByRole('button', { name: 'Look inside gambling' }).click();
    await page.getByLabel('Find a name').fill('casino');
    await page.getByText('1 of 41,391 names').waitFor();
    await axe(page, 'lists');
    await shot(page, stage.pictures, 'lists');

    await page.getByRole('tab', { name: 'Export' }).click();
    await page.getByLabel('Format', { exact: true }).selectOption('hosts');
    await page.getByText('It can say: one host alone.').waitFor();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByText('20,118 names written').waitFor();
    await page.getByText(/^21,273.*could not be said/).waitFor();
    const download = page.getByRole('link', { name: 'Download' });
    assert.equal(
      await download.getAttribute('href'),
      '/api/lists/export?set=deny&format=hosts&file=sightglass-deny.hosts',
    );
    await axe(page, 'export');
    await shot(page, stage.pictures, 'lists-export');

    await page.getByRole('tab', { name: 'Import' }).click();
    await page
      .getByLabel('List as text')
      .fill('new-bets.example\n*.luck.example\nnot a name\ndice.example\n');
    await page.getByLabel('Into the list').fill('gambling');
    await page.getByLabel('Its exceptions go to').fill('good-bets');
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText('3 added, 1 removed').first().waitFor();
    await page.getByRole('cell', { name: 'not a name' }).waitFor();
    await axe(page, 'import');
    await page.screenshot({ path: `${stage.pictures}/lists-import.png`, fullPage: true });
    await page.getByRole('region', { name: 'What would change in good-bets' }).waitFor();
    await page.getByRole('button', { name: 'Write both lists …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why').fill('Monthly list of the regulator');
    await dialog.getByRole('button', { name: 'Write it' }).click();
    await page.getByText('The list gambling is written').waitFor();
    const sent = api.policies.changes.at(-1)?.body;
    assert.deepEqual(
      [sent?.['name'], sent?.['exceptions'], sent?.['expect'], sent?.['comment']],
      ['gambling', 'good-bets', 'd'.repeat(64), 'Monthly list of the regulator'],
    );
    await close();
    assert.deepEqual(trouble, []);
  });

  it('gives a device its token once, with the address to copy, and shuts it out', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/lists?tab=devices`);
    await page.getByText('never used').waitFor();
    const address = page.getByRole('region', { name: 'Address for a device' });
    await address.getByText(`${api.origin}/lists/deny.plain?token=TOKEN`).waitFor();
    await axe(page, 'devices');
    await page.getByLabel('New token for').fill('branch-7');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const token = 'fake'.repeat(11).slice(0, 43);
    await page.getByRole('status', { name: 'New token' }).getByText(token).waitFor();
    await address.getByLabel('Names').selectOption('learned-pinned');
    await address.getByText(`${api.origin}/lists/learned-pinned.plain?token=${token}`).waitFor();
    await address.getByLabel('Names').selectOption('gambling');
    await address.getByText(`/lists/gambling.plain?token=${token}`).waitFor();
    await page.getByRole('listitem').filter({ hasText: 'branch-7' }).waitFor();
    await axe(page, 'devices, a new token');
    await page.screenshot({ path: `${stage.pictures}/lists-devices.png`, fullPage: true });
    await page.getByRole('button', { name: 'Revoke … lab' }).click();
    await page.getByRole('button', { name: 'Shut it out lab' }).click();
    await page.getByText('never used').first().waitFor();
    await page.waitForFunction(`!document.body.textContent.includes('Revoke … lab')`);
    assert.deepEqual(api.policies.changes.at(-1), {
      path: '/api/lists/tokens/revoke',
      body: { name: 'lab' },
    });
    await page.getByRole('button', { name: 'Done' }).click();
    await address.getByText('?token=TOKEN').waitFor();
    assert.ok(!(await page.content()).includes(token), 'the token is gone from the page');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('works on a phone, in the dark, slowly and while the server fails', async () => {
    const pages: Record<string, (page: Page) => Promise<void>> = {
      '/policy?tab=rules': page => page.getByText('Expired on').waitFor(),
      '/policy?tab=try&sni=elsewhere.example&user=bo': page =>
        page.getByText('because no rule matches').waitFor(),
      '/policy?tab=change': page => page.getByLabel('Candidate document').waitFor(),
      '/policy?tab=versions': page => page.getByText('in force', { exact: true }).waitFor(),
      '/lists': page => page.getByText('41,391 names').waitFor(),
      '/lists?tab=export&list=gambling': page => page.getByRole('button', { name: 'Preview' }).waitFor(),
      '/lists?tab=devices': page => page.getByRole('heading', { name: 'edge-firewall' }).waitFor(),
      '/lists?tab=import': page => page.getByLabel('List as text').waitFor(),
    };
    const phone = await open(browser, api.origin, { phone: true });
    const dark = await open(browser, api.origin, { dark: true });
    for (const [path, ready] of Object.entries(pages)) {
      const name = path.replace(/[^a-z]+/g, '-').slice(1, 22);
      for (const { page } of [phone, dark]) {
        await page.goto(api.origin + path);
        await ready(page);
      }
      assert.equal(await phone.page.evaluate('document.documentElement.scrollWidth'), 390, path);
      await axe(phone.page, `phone, ${path}`);
      await shot(phone.page, stage.pictures, `phone-${name}`);
      await axe(dark.page, `dark, ${path}`);
      await shot(dark.page, stage.pictures, `${name}-dark`);
    }
    await phone.close();
    await dark.close();
    assert.deepEqual([...phone.trouble, ...dark.trouble], []);

    const broken = await open(browser, `${api.origin}/policy?tab=rules`);
    await broken.page.getByText('Expired on').waitFor();
    api.mood.failing = true;
    await broken.page.getByRole('tab', { name: 'Versions' }).click();
    await broken.page.getByRole('button', { name: 'Try again' }).waitFor();
    await axe(broken.page, 'versions, failing');
    api.mood.failing = false;
    await broken.page.getByRole('button', { name: 'Try again' }).click();
    await broken.page.getByText('in force', { exact: true }).waitFor();
    assert.equal(await broken.page.evaluate('window.__ran'), undefined);
    await broken.close();
    assert.deepEqual(
      broken.trouble.filter(what => what !== '503'),
      [],
    );
  });
});
