/**
 * Debian's Firefox ESR, headless, on a `machine`, driven over Marionette: its own remote protocol, JSON with a length in
 * front over a loopback socket. Certificate errors are never accepted, so what it refuses a user's browser would refuse.
 * The profile lies where users' profiles lie, because scripts under test look there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

export interface Firefox {
  /** The title of the page; rejects with WebDriver's error name, such as `insecure certificate`. */
  open(url: string): Promise<string>;
  /** What an expression gives in the page. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts it on a profile of the machine's home, which is made when missing and otherwise used as it is. */
export async function startFirefox(
  machine: Machine,
  prefs: Record<string, string | number | boolean> = {},
): Promise<Firefox> {
  const profile = join(machine.home, '.mozilla/firefox/test.default');
  mkdirSync(profile, { recursive: true });
  const lines = Object.entries({ ...QUIET, ...prefs }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const child = machine.spawn(
    ['firefox-esr', '--headless', '--marionette', '--no-remote', '--profile', profile],
    {
      MOZ_HEADLESS: '1',
      MOZ_CRASHREPORTER_DISABLE: '1',
    },
  );
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
  try {
    const port = await activePort(join(profile, 'MarionetteActivePort'), () => said);
    const remote = await Remote.connect(port);
    await remote.send('WebDriver:NewSession', {
      capabilities: { alwaysMatch: { acceptInsecureCerts: false } },
    });
    await remote.send('WebDriver:SetTimeouts', { pageLoad: 20_000 });
    return {
      async open(url) {
        await remote.send('WebDriver:Navigate', { url });
        return String(await remote.send('WebDriver:GetTitle', {}));
      },
      evaluate: expression =>
        remote.send('WebDriver:ExecuteScript', { script: `return ${expression}`, args: [] }),
      async close() {
        await remote.send('Marionette:Quit', {}).catch(() => undefined);
        remote.end();
        const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000);
        await gone;
        clearTimeout(impatient);
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await gone;
    throw error;
  }
}

const QUIET = {
  'marionette.port': 0,
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'browser.shell.checkDefaultBrowser': false,
  'remote.log.level': 'Error',
};

async function activePort(file: string, said: () => string): Promise<number> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if (existsSync(file)) {
      const port = Number(readFileSync(file, 'utf8'));
      if (port > 0) return port;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`Firefox opened no remote port: ${said()}`);
}

class Remote {
  private readonly socket: Socket;
  private readonly waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  private received = Buffer.alloc(0);
  private last = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.read();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('Firefox closed the connection'));
    });
  }

  static async connect(port: number): Promise<Remote> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return new Remote(socket);
  }

  send(name: string, params: object): Promise<unknown> {
    const id = ++this.last;
    const text = JSON.stringify([0, id, name, params]);
    this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  end(): void {
    this.socket.destroy();
  }

  private read(): void {
    for (;;) {
      const colon = this.received.indexOf(':');
      const size = Number(this.received.toString('latin1', 0, Math.max(colon, 0)));
      if (colon < 0 || this.received.length < colon + 1 + size) return;
      const message = JSON.parse(this.received.toString('utf8', colon + 1, colon + 1 + size)) as unknown;
      this.received = this.received.subarray(colon + 1 + size);
      if (!Array.isArray(message)) continue; // its greeting
      const [, id, error, result] = message as [
        number,
        number,
        { error: string; message: string } | null,
        { value?: unknown } | null,
      ];
      const asked = this.waiting.get(id);
      this.waiting.delete(id);
      if (error !== null) asked?.reject(new Error(`${error.error}: ${error.message}`));
      else asked?.resolve(result !== null && 'value' in result ? result.value : result);
    }
  }
}
