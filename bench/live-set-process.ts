/*
 * A service that begins to follow a log, in a process of its own:
 *
 *   live-set-process.ts <file of the node> <live entries>
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { verifier } from '@latchkey/verify';
import { readFollowed } from './followed-node.ts';
import { parameter } from './processes.ts';
import { URL_OF_ALL } from './seed.ts';

const { via, keys, accessTokens } = await readFollowed(parameter(0));
const entries = Number(parameter(1));
const credential = new Headers({ authorization: `Bearer ${accessTokens[0]}` });

/** Bytes in use, buffers among them, once nothing is left to collect. */
async function weigh(): Promise<number> {
  if (gc === undefined) throw new TypeError('run with --expose-gc');
  for (let turn = 0; turn < 4; turn += 1) {
    gc();
    await setTimeout(10);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let bytesAt = 0;
subscribe('http.client.response.finish', (message) => {
  const { request } = message as { readonly request: ClientRequest };
  if (request.path === '/auth/feed/snapshot') bytesAt = performance.now();
});

const before = await weigh();
const rss = process.memoryUsage.rss();
const madeAt = performance.now();
// Where nobody can tell it denies, so that no answer comes from anywhere but the copy.
const service = verifier({
  issuer: URL_OF_ALL,
  via,
  audience: URL_OF_ALL,
  key: keys[0],
  onUnknown: 'deny',
});
await service.ready();
// Under load the copy may not be there yet; every refusal counts as waiting.
for (;;) {
  try {
    await service.require(credential);
    break;
  } catch {
    await setTimeout(5);
  }
}
const checkedAt = performance.now();
// In kilobytes.
const peak = process.resourceUsage().maxRSS * 1_024 - rss;
const status = service.status();
if (status.entries !== entries || status.mode !== 'following')
  throw new TypeError('not all entries are held');
const bytes = (await weigh()) - before;
service.close();
process.send?.({ bytes, peak, fromBytes: checkedAt - bytesAt, fromNothing: checkedAt - madeAt }, () =>
  process.disconnect(),
);
