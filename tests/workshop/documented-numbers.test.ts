import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type Clock, type Millis, parseCompactJws, TokenRefused, verifyAccessToken } from '@latchkey/verify';
import { type Config, ConfigError, parseConfig } from '../../packages/latchkey/src/config.ts';
import { CODES, isFailure } from '../../packages/latchkey/src/errors.ts';
import { MAX_CONSECUTIVE_FAILURES } from '../../packages/latchkey/src/flows/check-password.ts';
import { Maintenance } from '../../packages/latchkey/src/flows/maintenance.ts';
import { SHARED_LIMIT } from '../../packages/latchkey/src/flows/refresh.ts';
import { type Duration, formatDuration } from '../../packages/latchkey/src/foundation/durations.ts';
import { newId, subjectOf } from '../../packages/latchkey/src/foundation/ids.ts';
import { networkOf, throttle } from '../../packages/latchkey/src/identity/throttle.ts';
import type { LatchkeyOptions } from '../../packages/latchkey/src/options.ts';
import { PROFILE_NAMES, PROFILES } from '../../packages/latchkey/src/profiles.ts';
import { Bounds } from '../../packages/latchkey/src/revocation/bounds.ts';
import { RemoteFollowers } from '../../packages/latchkey/src/revocation/remote-followers.ts';
import { RevocationLog } from '../../packages/latchkey/src/revocation/revocation-log.ts';
import { Activity } from '../../packages/latchkey/src/sessions/activity.ts';
import { matchSecret, type NewSession, newSession } from '../../packages/latchkey/src/sessions/session.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';
import type { Store } from '../../packages/latchkey/src/stores/store.ts';
import { issueAccessToken } from '../../packages/latchkey/src/tokens/access-token.ts';
import { GRACE } from '../../packages/latchkey/src/tokens/refresh-chain.ts';
import { SigningKeys } from '../../packages/latchkey/src/tokens/signing-keys.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const PAGE = readFileSync(path.join(import.meta.dirname, '../../SECURITY.md'), 'utf8');

/** The text under a heading, up to the next of its level or above. */
function section(heading: string): string {
  const level = heading.indexOf(' ');
  const start = PAGE.indexOf(`\n${heading}\n`);
  assert.notEqual(start, -1, `SECURITY.md has no section ${heading}`);
  const rest = PAGE.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}

/** The rows of a section's tables, each cell as text; heads and rules left out. */
function tables(text: string): readonly (readonly (readonly string[])[])[] {
  return text
    .split(/\n{2,}/)
    .filter((block) => block.startsWith('|'))
    .map((block) =>
      block
        .trim()
        .split('\n')
        .slice(2)
        .map((line) =>
          line
            .split('|')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        ),
    );
}

function configWith(options: Partial<LatchkeyOptions> = {}, processors = 64): Config {
  const secret = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
  return parseConfig(
    { url: 'https://app.example.com', secret, store: sqlite(':memory:'), ...options },
    processors,
  );
}

function accepts(options: Partial<LatchkeyOptions>): boolean {
  try {
    configWith(options);
    return true;
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return false;
  }
}

/** The last whole number that is good, on the way from a good one to a bad one. */
async function lastGood(
  good: number,
  bad: number,
  isGood: (value: number) => boolean | Promise<boolean>,
): Promise<number> {
  assert.ok(await isGood(good));
  assert.ok(!(await isGood(bad)));
  let [left, right] = [good, bad];
  while (Math.abs(left - right) > 1) {
    const middle = Math.trunc((left + right) / 2);
    if (await isGood(middle)) left = middle;
    else right = middle;
  }
  return left;
}

/** The bound of a duration that the configuration keeps to, in seconds. */
async function bound(
  good: number,
  bad: number,
  options: (value: Duration) => Partial<LatchkeyOptions>,
): Promise<string> {
  return formatDuration((await lastGood(good, bad, (value) => accepts(options(`${value}s`)))) * 1_000);
}

const WEB = {
  name: 'web',
  subject: subjectOf('client', 'web'),
  mode: 'session',
  refresh: true,
  inBrowser: false,
} as const;

function anonymous(idle: Millis): NewSession {
  const origin = { ip: null, userAgent: null };
  return newSession({
    now: NOW,
    rs: Number.MAX_SAFE_INTEGER,
    client: WEB,
    idle,
    absolute: 400 * DAY,
    authentication: null,
    origin,
    chain: null,
  });
}

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = sqlite(':memory:');
  await store.open(NOW);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const clockAt = (now: number): Clock => ({ now: () => now, monotonic: () => now });

/** Signing keys of which nobody revokes any. */
function keysOf(store: Store, clock: Clock): SigningKeys {
  const { rootSecret, algorithm, keyLife } = configWith();
  const nobody = { isRevoked: () => false, onRotated: () => undefined };
  return new SigningKeys({ store, clock, rootSecret, algorithm, keyLife, ...nobody });
}

/** How long a count for an address that nobody has is kept: the whole hours after which it goes on. */
async function keptFor(hours: number): Promise<boolean> {
  return withStore(async (store) => {
    const subject = subjectOf('address', 'nobody@example.com');
    await store.attempts.count(subject, NOW);
    const emit = ({ error }: { readonly error?: unknown }): void => assert.fail(String(error));
    const clock = clockAt(NOW + hours * 3_600_000);
    const bounds = new Bounds(clock, { accessLife: 0, nearCacheLife: 0, maxStaleness: 0 });
    const signingKeys = keysOf(store, clock);
    await signingKeys.open();
    const maintenance = new Maintenance({ store, log: logAt(store, clock), bounds, signingKeys, emit });
    maintenance.start();
    await maintenance.run();
    maintenance.stop();
    return (await store.attempts.count(subject, NOW)) === 2;
  });
}

/** A log whose time is that of a clock. */
function logAt(store: Store, clock: Clock): RevocationLog {
  return new RevocationLog({
    store,
    clock,
    maxStaleness: 5_000,
    bounds: new Bounds(clock, { accessLife: 0, nearCacheLife: 0, maxStaleness: 0 }),
    followerName: 'the test',
    remote: new RemoteFollowers(clock),
    watermark: null,
    onEpoch: async () => undefined,
    onError: (error) => assert.fail(String(error)),
  });
}

/** Whether the idle limit has stayed when so many hundredths of it have passed. */
async function idleStays(hundredths: number): Promise<boolean> {
  return withStore(async (store) => {
    const idle = 100_000;
    const { record } = anonymous(idle);
    assert.ok(await store.sessions.create(record));
    const clock = clockAt(NOW + (idle / 100) * hundredths);
    const activity = new Activity({ store, clock, idle, onError: (error) => assert.fail(String(error)) });
    activity.note(record.id, record.idleUntil, record.expiresAt);
    await activity.flush();
    return (await store.sessions.read(record.id))?.session.idleUntil === record.idleUntil;
  });
}

/** Whether a token of so many characters is looked into at all. */
function fits(length: number): boolean {
  try {
    parseCompactJws('x'.repeat(length));
  } catch (error) {
    return error instanceof TokenRefused && error.reason !== 'too long';
  }
  return true;
}

/** Whether a token is accepted whose issuer's clock is so many seconds ahead. */
async function isAccepted(seconds: number): Promise<boolean> {
  return withStore(async (store) => {
    const clock = clockAt(NOW);
    const keys = keysOf(store, clock);
    await keys.open();
    const issuedAt = NOW + seconds * 1_000;
    const issuer = 'https://auth.example.com';
    const token = issueAccessToken(keys.current, {
      issuer,
      audience: issuer,
      subject: newId(NOW),
      session: newId(NOW),
      client: 'web',
      issuedAt,
      expiresAt: issuedAt + 60_000,
      acr: 'aal1',
      amr: ['pwd'],
      authTime: NOW,
      rs: 1,
      claims: {},
    });
    try {
      verifyAccessToken(token.reveal(), { issuer, audience: issuer, key: (kid) => keys.find(kid), now: NOW });
    } catch (error) {
      assert.ok(error instanceof TokenRefused && error.reason === 'issued in the future', String(error));
      return false;
    }
    return true;
  });
}

/** How many attempts of one key pass before it is throttled. */
async function attemptsThatPass(consume: () => Promise<void>): Promise<number> {
  for (let passed = 0; ; passed += 1) {
    try {
      await consume();
    } catch (error) {
      assert.ok(isFailure(error, 'LK_THROTTLED'));
      return passed;
    }
  }
}

describe('the rate limits in SECURITY.md are those of the code (@asvs 6.1.1)', () => {
  const config = configWith();
  const { networkRate, accountRate } = config;
  const [limits = [], lockOut = []] = tables(section('## Rate limits'));

  test('each row is what is in force without configuration', async () => {
    const network = networkOf('2001:db8:1:2:3:4:5:6');
    assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
    assert.deepEqual(limits, [
      [
        'password checks and sign-ups of one network',
        `${networkRate.attempts} in ${formatDuration(networkRate.within)}`,
        '`throttle.network`',
      ],
      [
        'password checks for one account without success',
        `${accountRate.attempts} in ${formatDuration(accountRate.within)}`,
        '`throttle.account`',
      ],
      ['one network', `an IPv4 address, or an IPv6 ${network.slice(network.indexOf('/'))}`, '–'],
      ['answer beyond a rate', `${CODES.LK_THROTTLED.status} \`LK_THROTTLED\``, '–'],
      [
        'passwords hashed at once',
        `one a processor, ${config.hashConcurrency} at most`,
        '`password.concurrency`',
      ],
      ['passwords that wait to be hashed', String(config.hashQueue), '`password.queue`'],
      ['answer where too many wait', `${CODES.LK_BUSY.status} \`LK_BUSY\``, '–'],
      ['failures in a row that a password survives', String(MAX_CONSECUTIVE_FAILURES), '–'],
      [
        'counts for addresses that nobody has are forgotten, untouched for',
        formatDuration((await lastGood(1, 24 * 40, keptFor)) * 3_600_000),
        '–',
      ],
    ]);
    for (const processors of [1, 2]) assert.equal(configWith({}, processors).hashConcurrency, processors);
  });

  test('the times of a malicious lock-out follow from them', () => {
    const windows = Math.ceil(MAX_CONSECUTIVE_FAILURES / accountRate.attempts) - 1;
    assert.deepEqual(
      lockOut.map(([, value]) => value),
      [formatDuration(accountRate.within), `${(windows * accountRate.within) / 60_000}m`],
    );
  });

  test('the limits let pass what the page says, and no more', async () => {
    const limit = throttle({ network: networkRate, account: accountRate });
    assert.equal(await attemptsThatPass(() => limit.network('192.0.2.1')), networkRate.attempts);
    assert.equal(await attemptsThatPass(() => limit.account('ada@example.com')), accountRate.attempts);
    await limit.succeeded('ada@example.com');
    assert.equal(await attemptsThatPass(() => limit.account('ada@example.com')), accountRate.attempts);
  });
});

describe('the policy of sessions in SECURITY.md is that of the code (@asvs 7.1.1)', () => {
  const [profiles = [], limits = []] = tables(section('## Sessions'));

  test('the profiles are those that there are, with their values', () => {
    const expected = PROFILE_NAMES.map((name) => {
      const { idle, absolute, accessLife, nearCacheLife, passwordLength, needs } = PROFILES[name];
      const title = needs === null ? `\`${name}\`` : `\`${name}\` (refused: needs ${needs})`;
      assert.equal(accepts({ profile: name }), needs === null);
      return [title, idle, absolute, accessLife, nearCacheLife, String(passwordLength)];
    });
    assert.deepEqual(profiles, expected);
    assert.deepEqual(configWith().profiles, ['small-app']);
  });

  test('each bound and each constant is the one that is kept to', async () => {
    const { record, cookie } = anonymous(DAY);
    const rotated = {
      ...record,
      secretHash: Buffer.alloc(32),
      previousSecretHash: record.secretHash,
      rotatedAt: NOW,
    };
    const reads = (after: Millis): boolean =>
      matchSecret(rotated, record.secretHash, NOW + after) === 'previous';
    const secret = Buffer.from(cookie.reveal().split('.')[1] ?? '', 'base64url');
    const config = configWith();
    assert.deepEqual(limits, [
      ['idle limit, at least', await bound(3_600, 0, (idle) => ({ sessions: { idle } })), '`sessions.idle`'],
      [
        'absolute limit, at most',
        await bound(8 * 86_400, 999 * 86_400, (absolute) => ({ sessions: { absolute } })),
        '`sessions.absolute`',
      ],
      [
        'near-cache life, at most',
        await bound(0, 86_400, (life) => ({ nearCache: { life } })),
        '`nearCache.life`',
      ],
      ['near-cache entries', String(config.nearCacheEntries), '`nearCache.entries`'],
      ['how old the copy of the log may be', formatDuration(config.maxStaleness), '`log.maxStaleness`'],
      [
        'the same, at least',
        await bound(5, 0, (maxStaleness) => ({ log: { maxStaleness } })),
        '`log.maxStaleness`',
      ],
      [
        'the same, at most',
        await bound(5, 3_600, (maxStaleness) => ({ log: { maxStaleness } })),
        '`log.maxStaleness`',
      ],
      ["random bits in the cookie's secret", String(secret.byteLength * 8), '–'],
      ['access token, at least', await bound(300, 0, (life) => ({ tokens: { life } })), '`tokens.life`'],
      ['access token, at most', await bound(300, 86_400, (life) => ({ tokens: { life } })), '`tokens.life`'],
      ['a token presented, at most', `${await lastGood(1, 100_000, fits)} bytes`, '–'],
      [
        'clocks of issuer and checker may differ by',
        formatDuration((await lastGood(0, 3_600, isAccepted)) * 1_000),
        '–',
      ],
      ['a refresh token that was exchanged is answered again for', formatDuration(GRACE), '–'],
      ['shared generations in a row that end a session', String(SHARED_LIMIT), '–'],
      [
        'the secret before a rotation still reads for',
        formatDuration((await lastGood(0, DAY, reads)) + 1),
        '–',
      ],
      ['the idle limit moves after this part of it', `${(await lastGood(0, 99, idleStays)) + 1} %`, '–'],
    ]);
  });
});

test('no other number stands in these sections, where nothing would hold it (@asvs 6.1.1, 7.1.1)', () => {
  for (const heading of ['## Rate limits', '## Sessions']) {
    const prose = section(heading)
      .replaceAll(/^\|.*$/gm, '')
      .replaceAll(/ASVS v[\d.]+-[\d.]+|NIST SP 800-63B-4( §[\d.]+)?|\[decision \d{4}\]\([^)]*\)/g, '');
    assert.doesNotMatch(prose, /\d/, heading);
    assert.doesNotMatch(
      prose,
      /\b(two|three|four|five|six|seven|eight|nine|ten|tenth|fifteen|twenty|thirty|sixty|hundred|thousand)\b/i,
      heading,
    );
  }
});
