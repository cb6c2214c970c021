import { numbersFrom, runAlone } from './processes.ts';

/** Processor time in microseconds, medians over the rounds, the loop around it taken off. */
export interface CheckResult {
  /** From a fresh `Cookie` header to a principal, all sessions remembered. */
  readonly cookie: number;
  /** From a fresh `Authorization` header to a principal, all tokens remembered. */
  readonly token: number;
  /** The same of a token that is not remembered: its signature is verified. */
  readonly miss: number;
  /** `jwtVerify` of jose for the same tokens. */
  readonly jose: number;
  /** How many times cheaper than jose a token is that is remembered, and one that is not; of the same rounds. */
  readonly hitOfJose: number;
  readonly missOfJose: number;
  /** From `Headers` with a fresh cookie, instead of what Node's server holds. */
  readonly headers: number;
  /** Finding the session's cookie in the header. */
  readonly findCookie: number;
  /** SHA-256 of the credential, the key under which it is remembered. */
  readonly shaCookie: number;
  readonly shaToken: number;
}

/** Measures what a check costs without HTTP. */
export async function measureCheck(options: {
  readonly folder: string;
  readonly rounds: number;
}): Promise<CheckResult> {
  const sent = await runAlone('check-process.ts', [options.folder, String(options.rounds)]);
  const figure = numbersFrom(sent);
  const loop = figure('nothing');
  return {
    cookie: figure('cookie') - loop,
    token: figure('token') - loop,
    miss: figure('miss') - loop,
    jose: figure('jose') - loop,
    hitOfJose: figure('hitOfJose'),
    missOfJose: figure('missOfJose'),
    headers: figure('headers') - loop,
    findCookie: figure('findCookie') - loop,
    shaCookie: figure('shaCookie') - loop,
    shaToken: figure('shaToken') - loop,
  };
}
