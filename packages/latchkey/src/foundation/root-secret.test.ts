import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRootSecret } from './root-secret.ts';

const BYTES = Buffer.from('0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff1', 'hex');
const OTHER = Buffer.from('a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef00fedcba987654321', 'hex');

describe('the root secret', () => {
  test('is the same key as base64, base64url and hex, with white space around it (@asvs 13.3.1)', () => {
    const spellings = [
      BYTES.toString('base64'),
      BYTES.toString('base64').replace('=', ''),
      BYTES.toString('base64url'),
      BYTES.toString('hex'),
      BYTES.toString('hex').toUpperCase(),
      ` ${BYTES.toString('base64')}\n`,
    ];
    assert.equal(new Set(spellings.map((text) => parseRootSecret(text).current.id)).size, 1);
  });

  for (const [title, text] of [
    ['nothing', ''],
    ['white space', ' \n'],
    ['31 bytes', BYTES.subarray(0, 31).toString('base64')],
    ['31 bytes as hex', BYTES.subarray(0, 31).toString('hex')],
    ['a word', 'changeme'],
    ['a sentence', 'this is not a secret that anybody should ever use'],
    ['one byte over and over', Buffer.alloc(32, 7).toString('base64')],
    ['zeros', '0'.repeat(64)],
    ['one letter', 'a'.repeat(43)],
    [
      'a few values',
      Buffer.from(Array.from({ length: 64 }, (_, index) => (index * index) % 15)).toString('hex'),
    ],
    ['half of it twice', Buffer.concat([BYTES, BYTES]).toString('hex')],
    ['a third of it three times', Buffer.concat([BYTES, BYTES, BYTES]).toString('base64')],
    ['a period that does not fit', Buffer.concat([BYTES, BYTES, BYTES.subarray(0, 5)]).toString('base64')],
    ['an empty one in the ring', `${BYTES.toString('base64')},`],
    ['the same one twice in the ring', `${BYTES.toString('base64')},${BYTES.toString('hex')}`],
    ['a bad one behind a good one', `${BYTES.toString('base64')},short`],
  ] as const) {
    test(`is not ${title}, and what was given is not shown (@asvs 13.3.1, @asvs 6.3.2, @rfc 8725 §3.5)`, () => {
      assert.throws(
        () => parseRootSecret(text),
        (error: unknown) => {
          assert.ok(error instanceof TypeError);
          const given = text.trim();
          assert.ok(given.length < 8 || !error.message.includes(given.slice(0, 16)), 'the message shows it');
          return true;
        },
      );
    });
  }

  test('may be a ring, whose first is the current one (@asvs 13.3.4)', () => {
    const { current, ring } = parseRootSecret(`${BYTES.toString('base64')}, ${OTHER.toString('hex')}`);
    assert.equal(ring.length, 2);
    assert.equal(ring[0]?.id, current.id);
    assert.equal(current.id, parseRootSecret(BYTES.toString('hex')).current.id);
    assert.equal(ring[1]?.id, parseRootSecret(OTHER.toString('hex')).current.id);
  });

  test('gives each purpose a key of its own, and its id tells nothing of them (@asvs 13.3.1)', () => {
    const { current } = parseRootSecret(BYTES.toString('hex'));
    const keys = [current.derive('check/v1'), current.derive('password-pepper/v1')].map((key) =>
      key.export().toString('hex'),
    );
    assert.equal(new Set(keys).size, 2);
    for (const key of keys) assert.equal(key.length, 64);
    assert.equal(current.derive('check/v1').export().toString('hex'), keys[0]);
    const other = parseRootSecret(OTHER.toString('hex')).current;
    assert.notEqual(other.derive('check/v1').export().toString('hex'), keys[0]);
    assert.ok(!BYTES.toString('base64url').includes(current.id));
  });
});
