import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { publicJwk, verifyAccessToken } from '@latchkey/verify';
import {
  assertRefused,
  assertRefusedUnseen,
  desk,
  EC,
  ED,
  edwards,
  idOf,
  mint,
  SIGNERS,
  spell,
} from './minting.ts';

describe('a token that was changed', () => {
  for (const signer of SIGNERS) {
    test(`is refused, whichever byte of it is flipped: ${signer.published.algorithm} (@asvs 9.1.1, @rfc 8725 §3.3)`, () => {
      const { rules } = desk();
      const good = Buffer.from(mint(signer), 'latin1');
      assert.equal(verifyAccessToken(good.toString('latin1'), rules).subject, idOf(1));
      for (let index = 0; index < good.length; index += 1) {
        for (const mask of [0x01, 0x02, 0x04, 0x20, 0x80, 0xff]) {
          const changed = Buffer.from(good);
          changed[index] = (changed[index] ?? 0) ^ mask;
          assertRefused(changed.toString('latin1'), null, rules);
        }
      }
    });

    test(`is refused with a piece of another good one: ${signer.published.algorithm} (@asvs 9.1.1, @incident J3)`, () => {
      const mine = mint(signer).split('.');
      const theirs = mint(signer, {}, { sub: idOf(9), sid: idOf(8) }).split('.');
      const { rules } = desk();
      for (let mix = 1; mix < 7; mix += 1) {
        const pieces = mine.map((piece, place) => ((mix >> place) & 1 ? theirs[place] : piece));
        // The headers are equal, so a mix that differs only there is one of the two.
        if (pieces.join('.') === mine.join('.') || pieces.join('.') === theirs.join('.')) continue;
        assertRefused(pieces.join('.'), 'a bad signature', rules);
      }
      assert.equal(verifyAccessToken(mine.join('.'), rules).subject, idOf(1));
      assert.equal(verifyAccessToken(theirs.join('.'), rules).subject, idOf(9));
      assert.equal(verifyAccessToken(mine.join('.'), rules).subject, idOf(1));
    });
  }

  test('is refused with anything put before, after or between (@asvs 9.1.1)', () => {
    const good = mint(ED);
    for (const text of [
      ` ${good}`,
      `${good} `,
      `${good}\n`,
      `${good}=`,
      `Bearer ${good}`,
      good.replace('.', '..'),
      `${good}.`,
      `${good},${good}`,
      `${good}\0`,
    ]) {
      assertRefused(text, null);
    }
  });
});

describe('a token with another algorithm', () => {
  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    'none ',
    '',
    null,
    true,
    0,
    {},
    ['none'],
    ['EdDSA'],
    ['EdDSA', 'none'],
    'eddsa',
    'ED25519',
    'Ed25519',
    'EdDSA\0',
    'ES256K',
    'ES384',
    'RS256',
    'PS256',
    'HS256',
    '__proto__',
    'constructor',
    'toString',
  ]) {
    test(`is refused unseen: ${JSON.stringify(alg)} (@asvs 9.1.2, @incident J1, @rfc 8725 §3.1, @rfc 8725 §3.2)`, () => {
      const signed = mint(ED, { alg });
      const [header = '', payload = ''] = signed.split('.');
      assertRefusedUnseen(signed, 'another algorithm');
      assertRefusedUnseen(`${header}.${payload}.`, 'not a compact JWS');
      assertRefusedUnseen(`${header}.${payload}`, 'not a compact JWS');
      assertRefusedUnseen(`${header}.${payload}.${spell('none')}`, 'another algorithm');
    });
  }

  test('is refused without any, which none replaces (@incident J5, @asvs 9.1.2)', () => {
    assertRefusedUnseen(mint(ED, { alg: undefined }), 'another algorithm');
  });

  test('is refused where the key is for the other one of ours (@asvs 9.1.2, @rfc 8725 §3.1)', () => {
    const { rules } = desk();
    assertRefused(mint(ED, { alg: 'ES256' }), 'another algorithm', rules);
    assertRefused(mint(EC, { alg: 'EdDSA' }), 'another algorithm', rules);
    assertRefused(mint(ED, { kid: EC.published.kid }), 'another algorithm', rules);
    assertRefused(mint(ED, { kid: EC.published.kid, alg: 'ES256' }), 'a bad signature', rules);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
  const secretsOf = (key: KeyObject): readonly (string | Uint8Array)[] => {
    const jwk = key.export({ format: 'jwk' });
    const text = pem(key);
    return [
      text,
      text.trimEnd(),
      ...['\n', '\n\n', '\n\n\n', ' ', '\ufeff', '\r\n'].map((before) => before + text),
      text.replaceAll('\n', '\r\n'),
      text.replaceAll('PUBLIC KEY', 'RSA PUBLIC KEY'),
      text.replaceAll('PUBLIC KEY', 'CERTIFICATE'),
      key.export({ type: 'spki', format: 'der' }),
      JSON.stringify(jwk),
      JSON.stringify({ keys: [jwk] }),
      ...[jwk.x, jwk.y, jwk.n].flatMap((member) =>
        member === undefined ? [] : [member, Buffer.from(member, 'base64url')],
      ),
      '',
      'secret',
    ];
  };
  for (const [title, key, signer] of [
    ['Ed25519', ED.publicKey, ED],
    ['P-256', EC.publicKey, EC],
    ['RSA', rsa.publicKey, ED],
  ] as const) {
    test(`is refused unseen: a MAC with the public key of ${title} as its secret (@asvs 9.1.2, @incident J1, J2, A2)`, () => {
      for (const secret of secretsOf(key)) {
        for (const [alg, hash] of [
          ['HS256', 'sha256'],
          ['HS512', 'sha512'],
        ] as const) {
          const input = mint(signer, { alg }).split('.', 2).join('.');
          const mac = createHmac(hash, secret).update(input).digest();
          assertRefusedUnseen(`${input}.${spell(mac)}`, 'another algorithm');
        }
        // Under a name of ours, and with a MAC that has the right length.
        const input = mint(signer).split('.', 2).join('.');
        const mac = createHmac('sha512', secret).update(input).digest();
        assertRefused(`${input}.${spell(mac)}`, 'a bad signature');
      }
    });
  }

  test('is refused unseen: a MAC with the secret of a client (@incident A2, @asvs 9.1.2)', () => {
    const input = mint(ED, { alg: 'HS256' }).split('.', 2).join('.');
    const mac = createHmac('sha256', 'lks_a-secret-that-the-client-knows').update(input).digest();
    assertRefusedUnseen(`${input}.${spell(mac)}`, 'another algorithm');
  });

  test('is refused: a good RSA signature, under its name and under ours (@asvs 9.1.2)', () => {
    for (const [alg, reason] of [
      ['RS256', 'another algorithm'],
      ['ES256', 'a bad signature'],
    ] as const) {
      const input = mint(EC, { alg }).split('.', 2).join('.');
      const signature = createSign('sha256').update(input).sign(rsa.privateKey);
      assertRefusedUnseen(`${input}.${spell(signature)}`, reason);
    }
  });
});

describe('a token that brings its own key', () => {
  test('makes nobody connect anywhere (@asvs 9.1.3, @incident J8, S1, @rfc 8725 §3.10)', async () => {
    const met: number[] = [];
    const listener = createServer((socket) => {
      met.push(socket.remotePort ?? 0);
      socket.end();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    try {
      const address = listener.address();
      assert.ok(typeof address === 'object' && address !== null);
      const thief = edwards();
      for (const member of ['jku', 'x5u', 'jwks_uri', 'kid', 'iss']) {
        const url = `http://127.0.0.1:${address.port}/${member}`;
        assertRefused(mint(thief, { kid: ED.published.kid, [member]: url }), null);
        assertRefused(mint(ED, member === 'kid' ? { kid: url } : { [member]: url }), null);
        assertRefused(
          mint(thief, { kid: url }, { iss: `http://127.0.0.1:${address.port}`, jku: url }),
          'unknown key',
        );
      }
      // Connections are met in the order in which they were begun: the first is our own.
      const own = connect(address.port, '127.0.0.1');
      await once(own, 'connect');
      const port = own.localPort;
      await once(own, 'close');
      assert.deepEqual(met, [port]);
    } finally {
      listener.close();
      await once(listener, 'close');
    }
  });

  test('is refused unseen, also where the key is ours (@asvs 9.1.3, @incident J8)', () => {
    const thief = edwards();
    for (const signer of [thief, ED]) {
      const jwk = publicJwk(signer.publicKey);
      const x5c = [signer.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')];
      for (const header of [
        { jwk },
        { x5c },
        { jwk: null },
        { x5c: [] },
        { x5t: 'AA' },
        { 'x5t#S256': 'AA' },
      ]) {
        assertRefusedUnseen(mint(signer, header), 'a header member that is not allowed');
      }
    }
    assertRefused(mint(thief), 'unknown key');
    assertRefused(mint(thief, { kid: ED.published.kid }), 'a bad signature');
  });

  const KIDS = [
    '../../dev/null',
    '/dev/null',
    "' OR 1=1 --",
    "x' UNION SELECT 'k",
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '\0',
    'k\0',
    '%00',
    '*',
    '.',
    '0',
    'null',
    'undefined',
    '$(id)',
    '`id`',
    '<script>',
    'http://127.0.0.1:1/',
  ];
  for (const kid of KIDS) {
    test(`is refused by a name that is only a name: ${JSON.stringify(kid)} (@rfc 8725 §3.10)`, () => {
      const { rules, asked } = desk();
      assertRefused(mint(ED, { kid }), 'unknown key', rules);
      assert.deepEqual(asked, [kid]);
    });
  }

  test('is refused unseen by a name that is none (@rfc 8725 §3.10)', () => {
    for (const kid of [
      '',
      'k'.repeat(129),
      'k'.repeat(2_000),
      0,
      1,
      true,
      null,
      {},
      [],
      [ED.published.kid],
      { toString: ED.published.kid },
    ]) {
      assertRefusedUnseen(mint(ED, { kid }), 'no key id');
    }
    assertRefusedUnseen(mint(ED, { kid: undefined }), 'no key id');
    assertRefusedUnseen(mint(ED, { kid: 'k'.repeat(1_000_000) }), 'too long');
  });

  test('is refused where the look-up answers for a name that it was not asked for (@rfc 8725 §3.10)', () => {
    for (const kid of [`${ED.published.kid}x`, ED.published.kid.toLowerCase(), 'k', '__proto__']) {
      const careless = { ...desk().rules, key: () => ED.published };
      assertRefused(mint(ED, { kid }), 'unknown key', careless);
    }
  });
});

describe('a token signed with numbers instead of a key', () => {
  const N = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
  const P = 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff';
  const NUMBERS = ['00'.repeat(32), `${'00'.repeat(31)}01`, N, P, 'ff'.repeat(32)];

  for (const signer of SIGNERS) {
    test(`is refused: ${signer.published.algorithm} with zeros, orders and maxima (@incident A3, @asvs 9.1.1)`, () => {
      const input = mint(signer).split('.', 2).join('.');
      for (const r of NUMBERS) {
        for (const s of NUMBERS) {
          assertRefused(`${input}.${spell(Buffer.from(r + s, 'hex'))}`, 'a bad signature');
        }
      }
    });
  }

  test('is refused with no number at all, or a long one (@incident A3)', () => {
    const input = mint(EC).split('.', 2).join('.');
    for (const length of [1, 2, 63, 65, 70, 71, 72, 128, 256]) {
      assertRefusedUnseen(`${input}.${spell(Buffer.alloc(length, 1))}`, 'a bad signature');
    }
    const der = sign('sha256', Buffer.from(input), EC.privateKey);
    assertRefusedUnseen(`${input}.${spell(der)}`, 'a bad signature');
  });
});
