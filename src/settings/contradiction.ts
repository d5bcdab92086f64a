/** Settings that are right one by one and contradict each other: told before anything starts, exit code 2. */
export class SettingsContradiction extends Error {
  readonly exitCode = 2;
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
