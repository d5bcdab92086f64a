/**
 * Why the authority will not start, or will not do what was asked: a closed list of codes, each thrown with a clear
 * sentence and a hint. Nothing here ever carries key material, a passphrase, or the words of a crypto library about them:
 * these texts reach terminals, logs and the console (requirement K3).
 */
export type RefusalCode =
  | 'absent'
  | 'incomplete'
  | 'not-empty'
  | 'folder-unsafe'
  | 'file-unsafe'
  | 'unreadable'
  | 'unwritable'
  | 'corrupt'
  | 'passphrase-missing'
  | 'passphrase-wrong'
  | 'passphrase-unused'
  | 'mismatch'
  | 'busy'
  | 'unfit'
  | 'export-refused';

export class AuthorityRefusal extends Error {
  override readonly name = 'AuthorityRefusal';
  readonly code: RefusalCode;
  /** One sentence: what the operator can do about it. */
  readonly hint: string;

  constructor(code: RefusalCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
