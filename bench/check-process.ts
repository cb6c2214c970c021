/*
 * The check alone, without HTTP, in a process of its own:
 *
 *   check-process.ts <database> <secret> <rounds> <cookies as JSON>
 */
import { hash } from 'node:crypto';
import { latchkey } from 'latchkey';
import { sessionCookie } from '../packages/latchkey/src/sessions/cookie.ts';
import { parameter } from './processes.ts';
import { optionsFor } from './seed.ts';
import { median } from './statistics.ts';

/** Passes over all the sessions in one round: processor time comes in steps too coarse for one. */
const PASSES = 20;

const rounds = Number(parameter(2));
const list: unknown = JSON.parse(parameter(3));
if (!Array.isArray(list)) throw new TypeError('the cookies are no list');
const bytes = list.map((cookie) => Buffer.from(String(cookie)));
const auth = latchkey(optionsFor(parameter(0), parameter(1)));
await auth.ready();
const cookie = sessionCookie(auth.config);

// A string that nobody has hashed or flattened before, as the parser of HTTP makes it.
const freshStrings = (): string[] =>
  Array.from({ length: PASSES }, () => bytes.map((text) => text.toString('latin1'))).flat();
const freshHeaders = (): Headers[] => freshStrings().map((text) => new Headers({ cookie: text }));

/** Processor time of one call, in microseconds, the strings made beforehand. */
async function cost<T>(prepare: () => readonly T[], act: (value: T) => unknown): Promise<number> {
  const figures: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const values = prepare();
    const before = process.cpuUsage();
    for (const value of values) await act(value);
    const { user, system } = process.cpuUsage(before);
    if (round > 0) figures.push((user + system) / values.length);
  }
  return median(figures);
}

const text = (): string[] => freshStrings().map((header) => header.slice(header.indexOf('=') + 1));
const parts = {
  authenticate: await cost(freshHeaders, (headers) => auth.authenticate(headers)),
  findCookie: await cost(freshStrings, (header) => cookie.find(header)),
  sha256: await cost(text, (credential) => hash('sha256', credential, 'hex')),
  nothing: await cost(freshStrings, (header) => header),
};
await auth.close();
process.send?.(parts, () => process.disconnect());
