import { join } from 'node:path';
import { runAlone } from './processes.ts';
import { newRootSecret, seedSessions } from './seed.ts';

const SESSIONS = 1_000;

/** Processor time in microseconds, medians over the rounds, the loop around it taken off. */
export interface CheckResult {
  /** From a fresh `Cookie` header to a principal, all sessions remembered. */
  readonly authenticate: number;
  /** Finding the session's cookie in the header. */
  readonly findCookie: number;
  /** SHA-256 of the credential, the key under which it is remembered. */
  readonly sha256: number;
  /** What is left: the look-up, the log, the clocks, the promises. */
  readonly rest: number;
}

/** Measures what a check costs without HTTP. */
export async function measureCheck(options: {
  readonly folder: string;
  readonly rounds: number;
}): Promise<CheckResult> {
  const database = join(options.folder, 'check.db');
  const secret = newRootSecret();
  const { cookies } = await seedSessions(database, secret, SESSIONS);
  const parameters = [database, secret, String(options.rounds), JSON.stringify(cookies)];
  const sent = await runAlone('check-process.ts', parameters);
  const figure = (name: string): number => {
    const value: unknown = typeof sent === 'object' && sent !== null ? Reflect.get(sent, name) : undefined;
    if (typeof value !== 'number') throw new TypeError(`the check's process sent no ${name}`);
    return value;
  };
  const loop = figure('nothing');
  const [authenticate, findCookie, sha256] = [
    figure('authenticate') - loop,
    figure('findCookie') - loop,
    figure('sha256') - loop,
  ];
  return { authenticate, findCookie, sha256, rest: authenticate - findCookie - sha256 };
}
