import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bearerFor, QUESTION, start } from './nginx.ts';
import { sharedScene, verified } from './scene.ts';

describe('nginx with the configuration that we ship, and requests that are no browser’s', () => {
  const shared = sharedScene(start);

  test('switches to no other protocol, past which nobody would be asked', async () => {
    for (const protocol of ['h2c', 'websocket, h2c', 'TLS/1.0']) {
      const answered = await shared.scene.ask('/orders', {
        headers: {
          Cookie: shared.cookie,
          Connection: 'Upgrade, HTTP2-Settings',
          Upgrade: protocol,
          'HTTP2-Settings': 'AAMAAABkAARAAAAAAAIAAAAA',
        },
      });
      assert.equal(answered.status, 200, protocol);
      assert.equal(shared.scene.seen.at(-1)?.headers.upgrade, undefined);
    }
  });

  const closed = [
    '/auth/forward',
    '/auth/forward?audience=orders',
    '/auth/forward/',
    '/auth/forward/x',
    '/auth//forward',
    '//auth/forward',
    '/auth/./forward',
    '/auth/x/../forward',
    '/auth/%66orward',
    '/%61uth/forward',
    '/auth%2Fforward',
    '/AUTH/forward',
    '/auth/Forward',
    '/auth/forward%2f',
    '/auth/forward;x',
    '/auth/forward%3Faudience=orders',
    '/-/latchkey',
    '/-/latchkey?audience=orders',
    '/-/./latchkey',
    '/orders/../-/latchkey',
    '/%2d/latchkey',
  ];
  test('lets nobody ask what it asks, in whatever spelling', async () => {
    const bearer = `Bearer ${await bearerFor(shared.scene, 'orders')}`;
    for (const path of closed) {
      for (const headers of [{}, { Cookie: shared.cookie }, { Authorization: bearer }]) {
        const method = 'Cookie' in headers ? 'POST' : 'GET';
        const answered = await shared.scene.ask(path, {
          method,
          headers: { ...headers, 'X-Latchkey-Gateway': 'lks_x' },
        });
        assert.equal(answered.headers.authorization, undefined, path);
        assert.doesNotMatch(answered.body, /Bearer|eyJ/, path);
      }
    }
    const outside = shared.scene.asked.requests.map(({ line }) => line).filter((line) => line !== QUESTION);
    for (const line of outside) {
      const [, path = ''] = line.split(' ');
      assert.notEqual(new URL(path, 'http://x').pathname, '/auth/forward', line);
    }
  });

  test('asks about every path that reaches the application', async () => {
    for (const path of [
      '/',
      '/auth',
      '/authx',
      '/.well-known/',
      '/.well-known/x',
      '/auth/..%2forders',
      '/a/../b',
      '/%2e%2e/',
    ]) {
      const { status } = await shared.scene.ask(path);
      assert.notEqual(status, 200, path);
    }
    assert.equal(shared.scene.seen.length, 0);
  });

  const HOST = 'Host: localhost';
  const shapes: readonly (readonly [string, string])[] = [
    [
      'a length and chunks',
      `POST /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n\r\n`,
    ],
    [
      'chunks in another spelling',
      `POST /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nContent-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n\r\n`,
    ],
    [
      'chunks behind a space',
      `POST /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nTransfer-Encoding : chunked\r\nContent-Length: 43\r\nConnection: close\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    ],
    [
      'two lengths',
      `POST /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n\r\n`,
    ],
    [
      'a length with a sign',
      `POST /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nContent-Length: +44\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n\r\n`,
    ],
    [
      'a body with GET',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\nContent-Length: 46\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n`,
    ],
    [
      'chunks with GET',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2e\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a header that is folded',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\nX-A: b\r\n X-Latchkey-User: victim\r\n\r\n`,
    ],
    [
      'a header behind a bare line feed',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\nX-A: b\nX-Latchkey-User: victim\r\n\r\n`,
    ],
    [
      'a header behind a bare return',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\nX-A: b\rX-Latchkey-User: victim\r\n\r\n`,
    ],
    [
      'a header that it is told to forget',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close, Authorization, X-Latchkey-User, X-Forwarded-For\r\n\r\n`,
    ],
    [
      'a path with a line in it',
      `GET /orders%0d%0aX-Latchkey-User:%20victim HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\n\r\n`,
    ],
    [
      'a whole address',
      `GET http://evil.example/orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\n\r\n`,
    ],
    [
      'two hosts',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nHost: evil.example\r\nCOOKIE\r\nConnection: close\r\n\r\n`,
    ],
    ['no version', 'GET /orders\r\n'],
    [
      'two Authorization headers',
      `GET /orders HTTP/1.1\r\n${HOST}\r\nCOOKIE\r\nConnection: close\r\nAuthorization: Bearer x\r\nAuthorization: Bearer y\r\n\r\n`,
    ],
  ];
  for (const [title, bytes] of shapes) {
    test(`passes nothing of ${title} on that nobody was asked about`, async () => {
      await shared.scene.sendRaw(bytes.replace('COOKIE', `Cookie: ${shared.cookie}`));
      assert.ok(
        shared.scene.seen.length <= 1,
        `the application saw ${shared.scene.seen.map(({ url }) => url).join()}`,
      );
      assert.ok(shared.scene.seen.every(({ url }) => !url.startsWith('/smuggled')));
      for (const seen of shared.scene.seen) {
        const principal = await verified(shared.scene, seen);
        assert.equal(seen.headers['x-latchkey-user'], principal.id);
        assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
      }
    });
  }
});
