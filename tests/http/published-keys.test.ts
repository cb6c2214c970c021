import assert from 'node:assert/strict';
import { KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { createVerifier } from 'fast-jwt';
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeProtectedHeader,
  importJWK,
  type JWK,
  jwtVerify,
} from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { sqlite } from 'latchkey';
import { folder, inside } from '../attacks/scene.ts';
import { CLIENTS, Program } from './program.ts';
import { bodyOf, ORIGIN, openWorld } from './world.ts';

const OPTIONS = { clients: CLIENTS } as const;

describe('what is published', () => {
  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    test(`verifies tokens by ${algorithm} with libraries that are not ours (@rfc 7517 §5, @rfc 7638 §3)`, async () => {
      const world = await openWorld({ ...OPTIONS, tokens: { algorithm } });
      const program = new Program(world.auth);
      const { access, user } = await program.signUp('verify@example.com');
      const response = await program.send('GET', '/.well-known/jwks.json');
      assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
      const { keys } = (await bodyOf(response)) as { keys: JWK[] };
      assert.equal(keys.length, 2, 'the one that signs, and the next one');
      for (const each of keys) {
        for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
          assert.ok(!(secret in each), secret);
        assert.equal(each.kid, await calculateJwkThumbprint(each));
        assert.deepEqual([each.alg, each.use], [algorithm, 'sig']);
      }
      const jwk = keys.find(({ kid }) => kid === decodeProtectedHeader(access).kid);
      assert.ok(jwk !== undefined, 'a key set of many is told apart by kid (@rfc 7517 §4.5)');

      const expected = { issuer: ORIGIN, audience: ORIGIN, typ: 'at+jwt', algorithms: [algorithm] };
      const { payload } = await jwtVerify(access, createLocalJWKSet({ keys }), expected);
      assert.equal(payload.sub, user);
      const key = await importJWK(jwk);
      assert.ok(!(key instanceof Uint8Array) && 'type' in key);
      const pem = KeyObject.from(key).export({ format: 'pem', type: 'spki' });
      if (algorithm === 'EdDSA') {
        const verify = createVerifier({
          key: pem,
          algorithms: [algorithm],
          allowedIss: ORIGIN,
          allowedAud: ORIGIN,
        });
        assert.equal(inside(verify(access), 'sub'), user);
        assert.throws(() => verify(`${access.slice(0, -6)}AAAAAA`));
      } else {
        const options = { algorithms: [algorithm], issuer: ORIGIN, audience: ORIGIN };
        assert.equal(inside(jsonwebtoken.verify(access, pem, options), 'sub'), user);
        assert.throws(() => jsonwebtoken.verify(`${access.slice(0, -6)}AAAAAA`, pem, options));
      }
      await world.auth.close();
    });
  }

  test('keeps the key of an algorithm that signs no more, for the tokens that it signed', async () => {
    const place = await folder();
    const before = await openWorld(OPTIONS, sqlite(place.file));
    const { access, refresh } = await new Program(before.auth).signUp('change@example.com');
    await before.auth.close();
    const world = await openWorld({ ...OPTIONS, tokens: { algorithm: 'ES256' } }, sqlite(place.file));
    const program = new Program(world.auth);
    const { keys } = (await bodyOf(await program.send('GET', '/.well-known/jwks.json'))) as { keys: JWK[] };
    assert.deepEqual(
      keys.map(({ alg }) => alg),
      ['EdDSA', 'EdDSA', 'ES256', 'ES256'],
    );
    assert.equal(await program.status(access), 200);
    const { access: next } = await program.renewed(refresh);
    assert.match(Buffer.from(next.split('.')[0] ?? '', 'base64url').toString(), /"alg":"ES256"/);
    assert.equal(await program.status(next), 200);
    await world.auth.close();
    await place.remove();
  });

  test('the metadata names what there is (@rfc 8414 §2)', async () => {
    const world = await openWorld(OPTIONS);
    const response = await new Program(world.auth).send('GET', '/.well-known/oauth-authorization-server');
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
    const metadata = await bodyOf(response);
    assert.equal(metadata['issuer'], ORIGIN);
    assert.deepEqual(metadata['grant_types_supported'], [
      'refresh_token',
      'urn:latchkey:grant:session',
      'client_credentials',
    ]);
    for (const name of ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint', 'jwks_uri']) {
      const { pathname } = new URL(String(metadata[name]));
      assert.ok(pathname in world.auth.openApi().paths, name);
    }
    await world.auth.close();
  });
});
