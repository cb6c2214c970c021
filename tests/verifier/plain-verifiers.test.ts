import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import { auth as expressBearer } from 'express-oauth2-jwt-bearer';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { saidBy } from '../http/program.ts';
import { listenOnLoopback } from './loopback.ts';
import { openServed, type Served } from './served.ts';

/*
 * What services have today: verifiers that read the published keys and nothing else. They
 * accept our tokens as they stand, and go on accepting a revoked one until it expires.
 */

const AUDIENCE = 'orders';

interface Plain {
  accepts(token: string): Promise<boolean>;
  close(): Promise<void>;
}

/** An application behind `express-oauth2-jwt-bearer`, set up as its README says. */
async function openExpress(issuerBaseURL: string, strict: boolean): Promise<Plain> {
  const app = express().set('env', 'test');
  app.use(expressBearer({ issuerBaseURL, audience: AUDIENCE, strict }));
  app.get('/', (request, response) => void response.json(request.auth?.payload));
  const { origin, close } = await listenOnLoopback(createServer(app));
  const accepts = async (token: string): Promise<boolean> => {
    const response = await fetch(origin, { headers: { Authorization: `Bearer ${token}` } });
    if (response.status === 401) return false;
    assert.deepEqual([response.status, await response.json()], [200, saidBy(token)]);
    return true;
  };
  return { accepts, close };
}

/** A verifier that throws what is not good. */
function throwing(verify: (token: string) => Promise<unknown>): Plain {
  const accepts = (token: string): Promise<boolean> =>
    verify(token).then(
      () => true,
      () => false,
    );
  return { accepts, close: async () => undefined };
}

/** With the seconds for which each accepts a token beyond its `exp`, unless it is told. */
const PLAIN: readonly (readonly [
  name: string,
  tolerance: number,
  open: (issuer: string) => Promise<Plain>,
])[] = [
  ['express-oauth2-jwt-bearer', 5, (issuer) => openExpress(issuer, false)],
  ['express-oauth2-jwt-bearer, strict (RFC 9068)', 5, (issuer) => openExpress(issuer, true)],
  [
    'jose',
    0,
    async (issuer) => {
      const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
      return throwing((token) => jwtVerify(token, keys, { issuer, audience: AUDIENCE, typ: 'at+jwt' }));
    },
  ],
  [
    'oauth4webapi (RFC 9068)',
    30,
    async (issuer) => {
      const server = await discovered(issuer);
      return throwing((token) => {
        const request = new Request('http://orders.test/', { headers: { Authorization: `Bearer ${token}` } });
        return oauth.validateJwtAccessToken(server, request, AUDIENCE, LOOPBACK);
      });
    },
  ],
];

// It calls deprecated what is for loopback alone.
// oxlint-disable-next-line typescript/no-deprecated
const LOOPBACK = { [oauth.allowInsecureRequests]: true } as const;

/** What the issuer says of itself, as another library finds and judges it. */
async function discovered(url: string): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(url);
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...LOOPBACK });
  return await oauth.processDiscoveryResponse(issuer, response);
}

for (const algorithm of ['EdDSA', 'ES256'] as const) {
  for (const [name, tolerance, open] of PLAIN) {
    describe(`${name}, with ${algorithm}`, () => {
      let issuer: Served;
      let plain: Plain;
      before(async () => {
        issuer = await openServed([AUDIENCE, 'billing'], { algorithm });
        plain = await open(issuer.url);
      });
      after(async () => {
        await plain.close();
        await issuer.close();
      });

      test('accepts a token for its audience, and no other and no changed one (@asvs 10.3.1)', async () => {
        const held = await issuer.signUp('ada@example.com');
        const token = await issuer.tokenFor(held, AUDIENCE);
        assert.equal(decodeProtectedHeader(token).alg, algorithm);
        assert.equal(await plain.accepts(token), true);
        assert.equal(await plain.accepts(await issuer.tokenFor(held, 'billing')), false);
        assert.equal(await plain.accepts(held.access), false, 'one for the issuer alone');
        assert.equal(await plain.accepts(`${token.slice(0, -8)}AAAAAAAA`), false);
      });

      test('refuses a token of another issuer for the same audience', async () => {
        const other = await openServed([AUDIENCE], { algorithm });
        try {
          const token = await other.tokenFor(await other.signUp('ada@example.com'), AUDIENCE);
          assert.equal(await plain.accepts(token), false);
        } finally {
          await other.close();
        }
      });

      test('goes on accepting a revoked token until it expires by its own clock, as the receipt says (@rule R9)', async (t) => {
        const held = await issuer.signUp('bob@example.com');
        const token = await issuer.tokenFor(held, AUDIENCE);
        const receipt = await issuer.auth.revoke({ session: held.session });
        assert.equal((await receipt.settledWithin({ timeout: '10s' })).settled, true);
        assert.equal(await plain.accepts(token), true, 'long after every follower refuses it');
        const expiry = Number(saidBy(token)['exp']) * 1_000;
        assert.ok(receipt.tokensDeadBy >= expiry);
        assert.ok(receipt.tokensDeadBy > receipt.deadline);
        t.mock.timers.enable({ apis: ['Date'], now: expiry + tolerance * 1_000 - 1_000 });
        assert.equal(await plain.accepts(token), true, 'to its last second');
        t.mock.timers.setTime(receipt.tokensDeadBy + tolerance * 1_000 + 1_000);
        assert.equal(await plain.accepts(token), false);
      });
    });
  }
}

describe('oauth4webapi as a client of our endpoints', () => {
  let issuer: Served;
  let server: oauth.AuthorizationServer;
  const keys = new Map<string, string>();
  before(async () => {
    issuer = await openServed([]);
    server = await discovered(issuer.url);
    for (const name of ['orders', 'billing']) {
      keys.set(name, (await issuer.auth.clients.create({ name, audiences: [name] })).key.reveal());
    }
  });
  after(() => issuer.close());

  const proof = (name: string): oauth.ClientAuth => oauth.ClientSecretBasic(keys.get(name) ?? '');
  const granted = async (name: string, audience: string): Promise<oauth.TokenEndpointResponse> => {
    const client = { client_id: name };
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      proof(name),
      { audience },
      LOOPBACK,
    );
    return await oauth.processClientCredentialsResponse(server, client, response);
  };
  const introspected = async (name: string, token: string): Promise<oauth.IntrospectionResponse> => {
    const client = { client_id: name };
    const response = await oauth.introspectionRequest(server, client, proof(name), token, LOOPBACK);
    return await oauth.processIntrospectionResponse(server, client, response);
  };

  test('finds each of them in the metadata (@rfc 8414 §3.3)', () => {
    assert.equal(server.issuer, issuer.url);
    for (const endpoint of ['token', 'introspection', 'revocation'] as const) {
      assert.equal(new URL(server[`${endpoint}_endpoint`] ?? '').origin, issuer.url);
    }
  });

  test('is granted a token for another service, which accepts it (@rfc 6749 §4.4)', async () => {
    const { access_token: token, token_type: type } = await granted('orders', 'billing');
    assert.equal(type, 'bearer');
    const request = new Request('http://billing.test/', { headers: { Authorization: `Bearer ${token}` } });
    const claims = await oauth.validateJwtAccessToken(server, request, 'billing', LOOPBACK);
    assert.deepEqual([claims.sub, claims.client_id], ['client_orders', 'orders']);
    await assert.rejects(oauth.validateJwtAccessToken(server, request, 'orders', LOOPBACK));
  });

  test('is told by introspection until it revokes, and of nothing that is not its own (@rfc 7662 §2, @rfc 7009 §2)', async () => {
    const held = await issuer.signUp('ada@example.com');
    const token = await issuer.tokenFor(held, 'billing');
    const active = await introspected('billing', token);
    assert.deepEqual([active.active, active.sub, active.aud], [true, held.user, 'billing']);
    assert.deepEqual(await introspected('orders', token), { active: false });
    const client = { client_id: 'billing' };
    const response = await oauth.revocationRequest(server, client, proof('billing'), token, LOOPBACK);
    await oauth.processRevocationResponse(response);
    assert.deepEqual(await introspected('billing', token), { active: false });
  });

  test('is refused with a wrong key, by the name of RFC 6749 §5.2 (@asvs 10.4.10)', async () => {
    const client = { client_id: 'orders' };
    const wrong = oauth.ClientSecretBasic(keys.get('billing') ?? '');
    const response = await oauth.clientCredentialsGrantRequest(server, client, wrong, {}, LOOPBACK);
    await assert.rejects(
      oauth.processClientCredentialsResponse(server, client, response),
      (error) =>
        error instanceof oauth.WWWAuthenticateChallengeError || error instanceof oauth.ResponseBodyError,
    );
  });
});
