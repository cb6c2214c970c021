/**
 * What is thrown where the *data* is wrong: a credential, a request, a state of
 * the store. A wrong *call* is a `TypeError`.
 *
 * `code` is from the closed table of whoever throws it; `detail` holds what a
 * caller may act on, and never a credential.
 */
export class LatchkeyError<Code extends string = string, Detail = unknown> extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: Code;
  readonly detail: Detail;

  constructor(code: Code, message: string, detail: Detail, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }
}
