/** The command cannot go on: its message is one line that says what to do. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
