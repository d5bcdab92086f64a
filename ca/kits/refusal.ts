/** Why a kit cannot be made: a sentence and what to do about it. Always the fault of what was asked for. */
export class KitRefusal extends Error {
  override readonly name = 'KitRefusal';
  readonly exitCode = 2;
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
