import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UserId } from '@latchkey/verify';
import type { Client } from '../config.ts';
import { newId } from '../foundation/ids.ts';
import { sha256 } from '../foundation/secret.ts';
import type { SessionReading, SessionRecord, UserRecord } from '../stores/records.ts';
import { causeOfDeath, cookiePrincipal, matchSecret, newSession, principalUser } from './session.ts';

const NOW = 1_700_000_000_000;
const USER_ID: UserId = newId<'user'>(NOW);
const USER: UserRecord = {
  id: USER_ID,
  email: 'Ada@example.com',
  emailKey: 'ada@example.com',
  name: null,
  emailVerifiedAt: null,
  createdAt: NOW,
  disabledAt: null,
  fields: '{}',
};
const WEB: Client = { name: 'web', subject: newId(NOW), mode: 'session', refresh: true, inBrowser: false };
const WHO = { user: principalUser(USER, [], {}), claims: {}, mode: 'session' } as const;
const begin = (userId: UserId | null): SessionRecord =>
  newSession({
    now: NOW,
    rs: 100,
    client: WEB,
    idle: 1_000,
    absolute: 10_000,
    authentication: userId === null ? null : { userId, authTime: NOW, acr: 'aal1', amr: ['pwd'] },
    origin: { ip: null, userAgent: null },
    chain: null,
  }).record;
const reading = (session: Partial<SessionRecord>, rest: Partial<SessionReading> = {}): SessionReading => ({
  head: 100,
  session: { ...begin(USER_ID), ...session },
  floor: null,
  user: USER,
  roles: [],
  ...rest,
});

describe('the life of a session', () => {
  const cases: readonly (readonly [string, SessionReading, number, ReturnType<typeof causeOfDeath>])[] = [
    ['lives', reading({}), NOW, null],
    [
      'is revoked by its own entry, whatever the position',
      reading({ revokedSeq: 1 }),
      NOW,
      'LK_SESSION_REVOKED',
    ],
    ['is revoked by a floor above it', reading({}, { floor: 101 }), NOW, 'LK_SESSION_REVOKED'],
    ['outlives a floor at its position', reading({}, { floor: 100 }), NOW, null],
    ['outlives a floor below it', reading({}, { floor: 99 }), NOW, null],
    ['lives to its idle limit', reading({}), NOW + 999, null],
    ['is idle from the limit on', reading({}), NOW + 1_000, 'LK_SESSION_IDLE'],
    ['lives to its absolute limit', reading({ idleUntil: NOW + 99_999 }), NOW + 9_999, null],
    [
      'expires at the limit, however active',
      reading({ idleUntil: NOW + 99_999 }),
      NOW + 10_000,
      'LK_SESSION_EXPIRED',
    ],
    ['dies with its user', reading({}, { user: null }), NOW, 'LK_SESSION_USER_DISABLED'],
    [
      'dies with a disabled user',
      reading({}, { user: { ...USER, disabledAt: NOW } }),
      NOW,
      'LK_SESSION_USER_DISABLED',
    ],
    ['needs no user before login', reading(begin(null), { user: null }), NOW, null],
    [
      'before login is revoked by a floor as well',
      reading(begin(null), { user: null, floor: 101 }),
      NOW,
      'LK_SESSION_REVOKED',
    ],
  ];
  for (const [title, given, now, code] of cases) {
    test(`${title} (@rule R3, @asvs 7.3.1, @asvs 7.3.2)`, () => assert.equal(causeOfDeath(given, now), code));
  }

  test('never has an idle limit past the absolute one (@asvs 7.3.2)', () => {
    const { record } = newSession({
      now: NOW,
      rs: 1,
      client: WEB,
      idle: 10_000,
      absolute: 1_000,
      authentication: null,
      origin: { ip: null, userAgent: null },
      chain: null,
    });
    assert.equal(record.idleUntil, record.expiresAt);
  });
});

describe('the secrets of a session', () => {
  const session: SessionRecord = {
    ...begin(USER_ID),
    secretHash: sha256('now'),
    previousSecretHash: sha256('before'),
    rotatedAt: NOW,
    previousAuthTime: NOW - 5_000,
  };

  for (const [text, at, match] of [
    ['now', NOW, 'current'],
    ['now', NOW + 100_000, 'current'],
    ['before', NOW, 'previous'],
    ['before', NOW + 9_999, 'previous'],
    ['before', NOW + 10_000, 'outlived'],
    ['before', NOW - 1, 'outlived'],
    ['other', NOW, null],
  ] as const) {
    test(`"${text}" is ${match} ${at - NOW} ms after the rotation (@rule R11)`, () => {
      assert.equal(matchSecret(session, sha256(text), at), match);
    });
  }

  test('before any rotation there is no other (@rule R11)', () => {
    const fresh = { ...session, previousSecretHash: null, rotatedAt: null };
    assert.equal(matchSecret(fresh, sha256('before'), NOW), null);
    assert.equal(matchSecret({ ...session, rotatedAt: null }, sha256('before'), NOW), 'outlived');
  });

  test('speak at the time of their own proof (@rule R11)', () => {
    assert.equal(cookiePrincipal(session, 'current', WHO)?.authTime, NOW);
    assert.equal(cookiePrincipal(session, 'previous', WHO)?.authTime, NOW - 5_000);
  });

  test('speak for nobody before login, and a principal cannot be changed', () => {
    assert.equal(cookiePrincipal(begin(null), 'current', WHO), null);
    const principal = cookiePrincipal(begin(USER_ID), 'current', WHO);
    assert.ok(
      Object.isFrozen(principal) && Object.isFrozen(principal?.user) && Object.isFrozen(principal?.session),
    );
  });
});
