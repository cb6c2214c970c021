import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type Verifier, verifier } from '@latchkey/verify';
import { startCaddy } from '../../tools/caddy.mjs';
import { makeCertificate } from '../../tools/certificate.mjs';
import { startNginx } from '../../tools/nginx.mjs';
import { freePort } from '../../tools/own-server.mjs';
import { PASSWORD } from '../http/world.ts';
import { cookieOf, run, startServer, type TestServer, temporaryFolder } from '../server/process.ts';
import type { Started } from './scene.ts';

/*
 * A real nginx and a real Caddy with the snippets of docs/operations.md, but for names and addresses.
 */

const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const METRICS_SECRET = 'lantern-orchid-gravel-seven-lantern-orchid';

interface Place {
  readonly proxy: number;
  readonly latchkey: number;
  readonly certificate: string;
  readonly key: string;
}

/** The snippet in that language; each of its own names, which are to be there, replaced by ours. */
function snippet(language: string, changes: readonly (readonly [theirs: string, ours: string])[]): string {
  const [, shipped = ''] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(PAGE) ?? [];
  return changes.reduce((text, [theirs, ours]) => {
    assert.ok(text.includes(theirs), theirs);
    return text.replaceAll(theirs, ours);
  }, shipped);
}

const PROXIES: Readonly<Record<string, (place: Place) => Promise<Started>>> = {
  nginx: ({ proxy, latchkey, certificate, key }) =>
    startNginx({
      port: proxy,
      site: snippet('nginx', [
        ['listen 443 ssl;', `listen 127.0.0.1:${proxy} ssl;`],
        ['server_name auth.example.com;', 'server_name localhost;'],
        ['/etc/ssl/auth.example.com.pem', certificate],
        ['/etc/ssl/auth.example.com.key', key],
        ['127.0.0.1:3000', `127.0.0.1:${latchkey}`],
      ]),
    }),
  Caddy: ({ proxy, latchkey, certificate, key }) => {
    const site = snippet('caddyfile', [
      ['auth.example.com {', `https://localhost:${proxy} {\n  tls ${certificate} ${key}`],
      ['127.0.0.1:3000', `127.0.0.1:${latchkey}`],
    ]);
    // Nor does it listen on port 80.
    return startCaddy(`{\n  admin off\n  auto_https off\n}\n${site}`, {});
  },
};

for (const [name, start] of Object.entries(PROXIES)) {
  describe(`a server behind ${name} with TLS, as docs/operations.md says`, () => {
    const folder = temporaryFolder();
    let origin: string;
    let server: TestServer;
    let proxy: Started;
    let service: Verifier;
    let serviceKey: string;
    before(async () => {
      const pair = makeCertificate();
      const [certificate, key] = [join(folder.path, 'certificate.pem'), join(folder.path, 'key.pem')];
      writeFileSync(certificate, pair.certificate);
      writeFileSync(key, pair.key, { mode: 0o600 });
      setDefaultCACertificates([...getCACertificates('bundled'), pair.certificate]);
      const port = await freePort();
      origin = `https://localhost:${port}`;
      const data = join(folder.path, 'data');
      server = await startServer(data, {
        LATCHKEY_URL: origin,
        LATCHKEY_TRUSTED_PROXIES: '1',
        LATCHKEY_METRICS_SECRET: METRICS_SECRET,
      });
      proxy = await start({ proxy: port, latchkey: server.port, certificate, key });
      const create = ['clients', 'create', 'orders', '--audience', 'orders', '--json'];
      const { stdout } = await run(create, { LATCHKEY_DATA: data, LATCHKEY_URL: origin });
      serviceKey = (JSON.parse(stdout) as { key: string }).key;
      // By the public name alone, as a service elsewhere does it.
      service = verifier({ issuer: origin, audience: 'orders', key: serviceKey });
      await service.ready();
    });
    after(async () => {
      service.close();
      await proxy.remove();
      await server.end('SIGTERM');
      folder.remove();
      setDefaultCACertificates(getCACertificates('bundled'));
    });

    const ask = (path: string, headers: Record<string, string>, json?: unknown): Promise<Response> =>
      fetch(`${origin}${path}`, {
        ...(json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) }),
        headers: json === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      });

    test('gives out a cookie of this host over TLS alone, and knows where its people come from', async () => {
      const forged = { Origin: origin, 'X-Forwarded-For': '198.51.100.66' };
      const json = { email: 'ada@example.com', password: PASSWORD };
      const answer = await ask('/auth/sign-up', forged, json);
      assert.equal(answer.status, 201);
      assert.match(answer.headers.getSetCookie()[0] ?? '', /^__Host-latchkey=.*; Secure/);
      assert.match(answer.headers.get('strict-transport-security') ?? '', /max-age=\d{8}; includeSubDomains/);
      const sessions = await ask('/auth/sessions', { Cookie: cookieOf(answer) });
      const { items } = (await sessions.json()) as { items: { ip: string }[] };
      assert.deepEqual(
        items.map(({ ip }) => ip),
        ['127.0.0.1'],
      );
    });

    test('keeps its metrics from whoever is outside', async () => {
      const headers = { Authorization: `Bearer ${METRICS_SECRET}` };
      assert.equal((await ask('/metrics', headers)).status, 404);
      assert.equal((await fetch(`${server.url}/metrics`, { headers })).status, 200);
    });

    test('is followed through it: what is written is heard at once, and revoked at the service', async () => {
      const json = { email: 'bob@example.com', password: PASSWORD, client: 'mobile' };
      const { refresh_token: refresh } = (await (await ask('/auth/sign-up', {}, json)).json()) as {
        refresh_token: string;
      };
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: refresh,
        audience: 'orders',
      });
      const renewed = await fetch(`${origin}/auth/token`, { method: 'POST', body });
      const { access_token: token } = (await renewed.json()) as { access_token: string };
      const headers = new Headers({ Authorization: `Bearer ${token}` });
      const principal = await service.require(headers);

      const hints = await fetch(`${origin}/auth/feed`, {
        headers: { Authorization: `Bearer ${serviceKey}` },
        signal: AbortSignal.timeout(10_000),
      });
      const ended = await fetch(`${origin}/auth/revoke`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${serviceKey}` },
        body: new URLSearchParams({ token }),
      });
      assert.equal(ended.status, 200);
      let heard = '';
      // A proxy that collects what passes would hand on nothing of so little.
      for await (const text of hints.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        heard += text;
        if (heard.includes('event: entry')) break;
      }
      await assert.rejects(principal.recheck(), { code: 'LK_TOKEN_REVOKED' });
      await assert.rejects(service.require(headers), { code: 'LK_TOKEN_REVOKED' });
      assert.equal(service.status().hints, true);
    });
  });
}
