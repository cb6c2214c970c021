import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { Authenticator } from '../../packages/latchkey/src/flows/authenticate.ts';
import type { Rooms } from '../../packages/latchkey/src/flows/rooms.ts';
import { handler } from '../../packages/latchkey/src/http/handler.ts';
import { compose } from '../../packages/latchkey/src/system.ts';
import { CLIENTS, type Held, heldIn } from '../http/program.ts';
import { bodyOf, ORIGIN, PASSWORD, TEST_SECRET, testClock } from '../http/world.ts';
import { overriding, PEER } from './scene.ts';

const AUDIENCES = Array.from({ length: 50 }, (_, index) => `service-${index}`);

describe('the signatures that are computed to revoke a token, where it may be for one of fifty services', () => {
  const clock = testClock();
  const store = sqlite(':memory:');
  const tokens = { audiences: AUDIENCES };
  const system = compose({ url: ORIGIN, secret: TEST_SECRET, store, clients: CLIENTS, tokens }, clock);
  /** Public keys that were looked up: each is for one signature. */
  let lookups = 0;
  const signingKeys = overriding(system.rooms.signingKeys, {
    find: (kid) => {
      lookups += 1;
      return system.rooms.signingKeys.find(kid);
    },
  });
  const rooms: Rooms = { ...system.rooms, signingKeys };
  const authenticator = new Authenticator(rooms);
  const { allowed, services, authorizer, forwarder } = system;
  const answer = handler({ rooms, authenticator, services, authorizer, forwarder, allowed }, system.ready);
  const post = (path: string, json: unknown): Promise<Response> => {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify(json);
    return answer(new Request(new URL(path, ORIGIN), { method: 'POST', headers, body }), { peer: PEER });
  };
  let held: Held;
  let people = 0;
  before(() => system.ready());
  after(() => system.close());
  beforeEach(async () => {
    people += 1;
    const json = { email: `person-${people}@example.com`, password: PASSWORD, client: 'mobile' };
    held = await heldIn(await post('/auth/sign-up', json));
    lookups = 0;
  });

  const tokenFor = async (audience: string): Promise<string> => {
    const json = { grant_type: 'refresh_token', refresh_token: held.refresh, audience };
    return String((await bodyOf(await post('/auth/token', json)))['access_token']);
  };
  /** How many it takes, and whether the session ended. */
  const effort = async (token: string): Promise<{ readonly lookups: number; readonly ended: boolean }> => {
    lookups = 0;
    const response = await post('/auth/revoke', { token });
    assert.equal(response.status, 200, 'RFC 7009 knows no bad token');
    return { lookups, ended: (await bodyOf(response))['receipt'] !== null };
  };

  test('are one for a token that is forged (@rfc 7009 §2.2)', async () => {
    const forged = `${held.access.slice(0, held.access.lastIndexOf('.'))}.${'A'.repeat(86)}`;
    assert.deepEqual(await effort(forged), { lookups: 1, ended: false });
  });

  test('are one for a token that has expired (@rfc 7009 §2.2)', async () => {
    clock.advance(300_001);
    assert.deepEqual(await effort(held.access), { lookups: 1, ended: false });
  });

  test('are none for what is no token at all (@rfc 7009 §2.2)', async () => {
    assert.deepEqual(await effort(held.access.split('.').slice(1).join('.')), { lookups: 0, ended: false });
  });

  test('are one for a token of this issuer, and for one of any service (@rfc 7009 §2.1)', async () => {
    const last = await tokenFor('service-49');
    assert.deepEqual(await effort(last), { lookups: 1, ended: true });
    assert.deepEqual(await effort(held.access), { lookups: 1, ended: false });
  });
});
