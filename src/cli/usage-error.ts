/** A command that was used wrongly, or cannot do what was asked: a sentence, a hint, an exit code. main.ts tells it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string;
  /** 2: used wrongly. 1: the attempt failed. */
  readonly exitCode: number;
  constructor(message: string, hint: string, exitCode: 1 | 2 = 2) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}
