/*
 * Issuing access tokens, in a process of its own:
 *
 *   mint-process.ts EdDSA|ES256 <folder> <rounds> <tokens in a block>
 */
import { join } from 'node:path';
import { systemClock } from '@latchkey/verify';
import { decodeJwt, generateKeyPair, SignJWT } from 'jose';
import { issue } from '../packages/latchkey/src/flows/issue.ts';
import { compose } from '../packages/latchkey/src/system.ts';
import { parameter } from './processes.ts';
import { block, cheaper, interleave, typical } from './rounds.ts';
import { groundsFor, newRootSecret, optionsFor, seedTokens } from './seed.ts';

const algorithm = parameter(0) === 'ES256' ? 'ES256' : 'EdDSA';
const rounds = Number(parameter(2));
const count = Number(parameter(3));

const secret = newRootSecret();
const database = join(parameter(1), `mint-${algorithm}.db`);
const { sessions } = await seedTokens(database, secret, 100);
const options = optionsFor(database, secret, 'jwt');
const system = compose({ ...options, tokens: { ...options.tokens, algorithm } }, systemClock);
await system.ready();
const { rooms } = system;
const grounds = await Promise.all(sessions.map((session) => groundsFor(rooms, session)));
const { origin } = rooms.config;
const { kid } = rooms.signingKeys.current;

// What each token says, made beforehand: jose has only to sign it.
const issued = await Promise.all(grounds.map((ground) => issue(rooms, ground, origin)));
const claims = issued.map(({ accessToken }) => decodeJwt(accessToken.reveal()));
const { privateKey } = await generateKeyPair(algorithm);
const sign = (payload: (typeof claims)[number]): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid }).sign(privateKey);

const inTurn =
  <Value>(values: readonly Value[]) =>
  (): readonly Value[] =>
    Array.from({ length: Math.ceil(count / values.length) }, () => values).flat();
const costs = await interleave(
  {
    ours: block(inTurn(grounds), (ground) => issue(rooms, ground, origin)),
    jose: block(inTurn(claims), sign),
    joseAtOnce: block(inTurn(claims), sign, 8),
  },
  rounds,
);
await system.close();
process.send?.(
  {
    ours: 1e6 / typical('wall', costs('ours')),
    jose: 1e6 / typical('wall', costs('jose')),
    joseAtOnce: 1e6 / typical('wall', costs('joseAtOnce')),
    oursCpu: typical('cpu', costs('ours')),
    joseCpu: typical('cpu', costs('jose')),
    ofJose: cheaper('wall', costs('ours'), costs('jose')).median,
    ofJoseAtOnce: cheaper('wall', costs('ours'), costs('joseAtOnce')).median,
  },
  () => process.disconnect(),
);
