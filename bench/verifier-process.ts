/*
 * The check of a service alone, without HTTP, in a process of its own:
 *
 *   verifier-process.ts <file of the node> <rounds>
 */
import { digestOf, type Verifier, verifier } from '@latchkey/verify';
import { importJWK, jwtVerify } from 'jose';
import { readFollowed } from './followed-node.ts';
import { names } from './names.ts';
import { parameter } from './processes.ts';
import { block, cheaper, interleave, typical } from './rounds.ts';
import { fresh, URL_OF_ALL } from './seed.ts';

/** Passes over all tokens in one block: processor time comes in steps too coarse for one. */
const PASSES = 20;

const { via, keys, accessTokens, publicKey } = await readFollowed(parameter(0));
const rounds = Number(parameter(1));

async function open(nr: 0 | 1, cacheEntries: number): Promise<Verifier> {
  const options = { issuer: URL_OF_ALL, via, audience: URL_OF_ALL, key: keys[nr], cacheEntries };
  const service = verifier({ ...options, onUnknown: 'deny' });
  await service.ready();
  return service;
}

const service = await open(0, 50_000);
/** Remembers one token at a time, so that each of many is verified anew. */
const forgetful = await open(1, 1);
const key = await importJWK(publicKey);

// As Node's server holds the headers of a request.
const head = (text: string) => ({
  rawHeaders: ['Host', 'localhost:3000', 'Accept', 'application/json', 'Authorization', text],
});
const bearers = accessTokens.map((token) => `Bearer ${token}`);
const blocks = {
  hit: block(fresh(bearers, PASSES), (text) => service.require(head(text))),
  headers: block(
    () => fresh(bearers, PASSES)().map((text) => new Headers({ authorization: text })),
    (headers) => service.require(headers),
  ),
  miss: block(fresh(bearers, 1), (text) => forgetful.require(head(text))),
  jose: block(fresh(accessTokens, 1), (text) =>
    jwtVerify(text, key, { issuer: URL_OF_ALL, audience: URL_OF_ALL, typ: 'at+jwt', algorithms: ['EdDSA'] }),
  ),
  sha: block(fresh(accessTokens, PASSES), (text) => digestOf(text)),
  nothing: block(fresh(accessTokens, PASSES), (text) => text),
};
const costs = await interleave(blocks, rounds);
service.close();
forgetful.close();
const medians = names(blocks).map((name) => [name, typical('cpu', costs(name))]);
process.send?.(
  {
    ...Object.fromEntries(medians),
    hitOfJose: cheaper('cpu', costs('hit'), costs('jose')).median,
    missOfJose: cheaper('cpu', costs('miss'), costs('jose')).median,
  },
  () => process.disconnect(),
);
