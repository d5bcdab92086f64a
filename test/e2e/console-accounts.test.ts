/** Second factor and people in a real browser on a fake API: demanded, by choice, at log-in; both themes, a phone; judged by axe. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { axe, open, shot } from '../web/client/browser.ts';
import { PASSWORD } from '../web/client/fake-api.ts';
import { CODE } from '../web/client/fake-accounts.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: accounts', { timeout: 180_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await setStage(50);
  });

  after(() => stage.strike());

  it('shows nothing but the set-up to whom it is demanded of, then the console', async () => {
    const { api, browser } = stage;
    api.accounts.mustEnrol = true;
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic`, { phone: true });
    await page.getByRole('heading', { name: 'Set up a second factor' }).waitFor();
    await axe(page, 'enrolment, password');
    await page.getByLabel('Your password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('img', { name: /QR code/ }).waitFor();
    await page.getByText('The app cannot scan').click();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(page, 'enrolment, QR code');
    await shot(page, stage.pictures, 'second-factor-phone');
    await page.getByLabel('Code', { exact: true }).fill('000000');
    await page.getByRole('button', { name: 'Switch it on' }).click();
    await page.getByRole('alert').getByText('This code is wrong').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(CODE);
    await page.getByRole('button', { name: 'Switch it on' }).click();
    await page.getByRole('button', { name: 'I have kept them' }).waitFor();
    assert.equal(await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').count(), 10);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(page, 'enrolment, recovery codes');
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByRole('searchbox').or(page.getByRole('combobox')).first().waitFor();
    await close();
    assert.deepEqual(trouble, ['401']);
  });

  it('is switched on, renewed and taken away by choice, in the dark', async () => {
    const { api, browser } = stage;
    api.accounts.view = { since: null, recoveryLeft: 0, demanded: false, sso: false };
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic`, { dark: true });
    await page.getByRole('button', { name: 'alice.auditor' }).click();
    await page.getByRole('button', { name: 'Your account' }).click();
    await page.getByText('Off: the password alone logs in.').waitFor();
    await axe(page, 'account, off');
    await page.getByRole('button', { name: 'Set it up' }).click();
    await page.getByLabel('Your password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByLabel('Code', { exact: true }).fill(CODE);
    await axe(page, 'account, QR code');
    await shot(page, stage.pictures, 'second-factor-dark');
    await page.getByRole('button', { name: 'Switch it on' }).click();
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('10 recovery codes are left').waitFor();
    await page.getByRole('button', { name: 'Other recovery codes' }).click();
    await page.getByLabel('Code', { exact: true }).fill(CODE);
    await axe(page, 'account, a code');
    await page.getByRole('button', { name: 'Make other codes' }).click();
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByRole('button', { name: 'Take it away' }).click();
    await page.getByLabel('Code', { exact: true }).fill(CODE);
    await page.getByRole('button', { name: 'Take it away' }).click();
    await page.getByText('Off: the password alone logs in.').waitFor();
    await close();
    assert.deepEqual(trouble, []);
  });

  it('is the second step of the log-in form, which keeps what was typed', async () => {
    const { api, browser } = stage;
    api.mood.state = 'signed-out';
    api.accounts.codes = true;
    const { page, trouble, close } = await open(browser, `${api.origin}/login`);
    await page.getByLabel('Name').fill('alice.auditor');
    await page.getByLabel('Password').fill(PASSWORD);
    assert.equal(await page.getByLabel('Code', { exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Code', { exact: true }).fill('000000');
    await axe(page, 'log-in, code');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('This code is wrong').waitFor();
    assert.equal(await page.getByLabel('Name').inputValue(), 'alice.auditor');
    await page.getByLabel('Code', { exact: true }).fill(CODE);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'alice.auditor' }).waitFor();
    await close();
    api.accounts.codes = false;
    assert.deepEqual(trouble, ['401', '401']);
  });

  it('offers single sign-on, tells what became of it, and hides the form that one account still uses', async () => {
    const { api, browser } = stage;
    api.mood.state = 'signed-out';
    for (const how of [{}, { phone: true, dark: true }]) {
      api.accounts.ways = { sso: true, local: true };
      const { page, trouble, close } = await open(browser, `${api.origin}/login?sso=away`, how);
      await page.getByRole('alert').getByText('does not answer').waitFor();
      const button = page.getByRole('link', { name: 'Log in with single sign-on' });
      assert.equal(await button.getAttribute('href'), '/sso/start');
      await page.getByLabel('Password').waitFor();
      await axe(page, 'log-in, single sign-on');
      await shot(page, stage.pictures, 'phone' in how ? 'sign-on-phone' : 'sign-on');
      api.accounts.ways = { sso: true, local: false };
      await page.goto(`${api.origin}/login?sso=<b>`);
      await page.getByRole('button', { name: 'Emergency account' }).waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
      assert.equal(await page.getByLabel('Password').count(), 0);
      await axe(page, 'log-in, single sign-on only');
      await page.getByRole('button', { name: 'Emergency account' }).click();
      await page.getByLabel('Password').waitFor();
      if ('phone' in how) assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
      await close();
      assert.deepEqual(trouble, []);
    }
    api.mood.state = 'signed-in';
  });

  it('lists the people with hostile groups as text, and takes a lost second factor away', async () => {
    const { api, browser } = stage;
    for (const how of [{}, { phone: true, dark: true }]) {
      const { page, trouble, close } = await open(browser, `${api.origin}/people`, how);
      await page.getByText('A second factor is demanded of: admin, auditor.').waitFor();
      assert.equal(await page.locator('img[src="x"]').count(), 0);
      await axe(page, 'people');
      if ('phone' in how) assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
      else {
        await shot(page, stage.pictures, 'people');
        assert.equal(await page.getByRole('button', { name: /^Reset/ }).count(), 1, 'not the own one');
        await page.getByRole('button', { name: 'Reset … the second factor of bob' }).click();
        await page.getByRole('button', { name: 'Take it away from bob' }).click();
        await page.getByRole('row', { name: /^bob/ }).getByText('due at the next log-in').waitFor();
      }
      await close();
      assert.deepEqual(trouble, []);
    }
  });
});
