/**
 * Ask for a secret on a terminal without showing it. The terminal is in raw mode only while it is asked and is put back
 * whatever happens, also on Ctrl-C. Understands backspace, Ctrl-U and Ctrl-D; other control keys are ignored.
 */

/** The part of process.stdin that is used; tests hand in their own. */
export interface Terminal {
  setRawMode(on: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  off(event: 'end', listener: () => void): unknown;
}

/** Raised on Ctrl-C and on the end of input; nothing was entered. */
export class PromptCancelledError extends Error {
  override readonly name = 'PromptCancelledError';
}

/** One line, at most `max` characters (further ones are ignored), without its end. */
export async function readHidden(
  question: string,
  input: Terminal,
  output: { write(text: string): unknown },
  max: number,
): Promise<string> {
  output.write(question);
  const decoder = new TextDecoder();
  let entered: string[] = [];
  input.setRawMode(true);
  input.resume();
  try {
    return await new Promise<string>((resolve, reject) => {
      const done = (settle: () => void): void => {
        input.off('data', take);
        input.off('end', cancel);
        settle();
      };
      const cancel = (): void =>
        done(() => reject(new PromptCancelledError('Cancelled; nothing was changed.')));
      const take = (chunk: Buffer): void => {
        for (const key of decoder.decode(chunk, { stream: true })) {
          if (key === '\r' || key === '\n') return done(() => resolve(entered.join('')));
          if (key === CTRL_C || (key === CTRL_D && entered.length === 0)) return cancel();
          if (key === CTRL_U) entered = [];
          else if (key === '\b' || key === '\u007f') entered.pop();
          else if (key >= ' ' && entered.length < max) entered.push(key);
        }
      };
      input.on('data', take);
      input.on('end', cancel);
    });
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write('\n');
  }
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
