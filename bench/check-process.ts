/*
 * The check alone, without HTTP, in a process of its own:
 *
 *   check-process.ts <folder> <rounds>
 */
import { join } from 'node:path';
import { digestOf, type Mode, systemClock } from '@latchkey/verify';
import { importJWK, jwtVerify } from 'jose';
import { latchkey } from 'latchkey';
import { rawHeaderSource } from '../packages/latchkey/src/foundation/header-source.ts';
import { compose } from '../packages/latchkey/src/system.ts';
import { names } from './names.ts';
import { parameter } from './processes.ts';
import { block, cheaper, interleave, typical } from './rounds.ts';
import { fresh, newRootSecret, optionsFor, seedSessions, seedTokens, URL_OF_ALL } from './seed.ts';

const SESSIONS = 1_000;
/** Passes over all sessions in one block: processor time comes in steps too coarse for one. */
const PASSES = 20;

const folder = parameter(0);
const rounds = Number(parameter(1));
const secret = newRootSecret();
const cookieDatabase = join(folder, 'check-cookies.db');
const tokenDatabase = join(folder, 'check-tokens.db');
const { cookies } = await seedSessions(cookieDatabase, secret, SESSIONS);
const { accessTokens, publicKey } = await seedTokens(tokenDatabase, secret, SESSIONS);

async function open(database: string, mode: Mode, entries: number) {
  const auth = latchkey({ ...optionsFor(database, secret, mode), nearCache: { entries } });
  await auth.ready();
  return auth;
}

const sessions = await open(cookieDatabase, 'session', 50_000);
const tokens = await open(tokenDatabase, 'jwt', 50_000);
/** Remembers one token at a time, so that each of many is verified anew. */
const forgetful = await open(tokenDatabase, 'jwt', 1);
const key = await importJWK(publicKey);

// As Node's server hands a request over: its adapter wraps the list and asks.
const head = (name: string, value: string) => ({
  method: 'GET',
  headers: rawHeaderSource(['Host', 'localhost:3000', 'Accept', 'application/json', name, value]),
});
const bearers = accessTokens.map((token) => `Bearer ${token}`);
const { cookie } = compose(optionsFor(':memory:', secret), systemClock).rooms;

const blocks = {
  cookie: block(fresh(cookies, PASSES), (text) => sessions.require(head('Cookie', text))),
  token: block(fresh(bearers, PASSES), (text) => tokens.require(head('Authorization', text))),
  miss: block(fresh(bearers, 1), (text) => forgetful.require(head('Authorization', text))),
  jose: block(fresh(accessTokens, 1), (text) =>
    jwtVerify(text, key, { issuer: URL_OF_ALL, audience: URL_OF_ALL, typ: 'at+jwt', algorithms: ['EdDSA'] }),
  ),
  headers: block(
    () => fresh(cookies, PASSES)().map((text) => new Headers({ cookie: text })),
    (headers) => sessions.require(headers),
  ),
  findCookie: block(fresh(cookies, PASSES), (text) => cookie.find(text)),
  shaCookie: block(fresh(cookies, PASSES), (text) => digestOf(text)),
  shaToken: block(fresh(accessTokens, PASSES), (text) => digestOf(text)),
  nothing: block(fresh(accessTokens, PASSES), (text) => text),
};
const costs = await interleave(blocks, rounds);
await Promise.all([sessions.close(), tokens.close(), forgetful.close()]);
const medians = names(blocks).map((name) => [name, typical('cpu', costs(name))]);
process.send?.(
  {
    ...Object.fromEntries(medians),
    hitOfJose: cheaper('cpu', costs('token'), costs('jose')).median,
    missOfJose: cheaper('cpu', costs('miss'), costs('jose')).median,
  },
  () => process.disconnect(),
);
