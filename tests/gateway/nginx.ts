import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { startNginx } from '../../tools/nginx.mjs';
import { Program } from '../http/program.ts';
import type { Ports, Scene, Started } from './scene.ts';

/*
 * A real nginx with the configuration that we ship, but for the three addresses in it.
 */

const SHIPPED = new URL('../../docs/gateway/nginx.conf', import.meta.url);

/** The shipped configuration with a test's own ports; fails where an address is not there exactly once. */
function siteOf({ gateway, latchkey, application }: Ports): string {
  let site = readFileSync(SHIPPED, 'utf8');
  for (const [address, port] of [
    ['listen 127.0.0.1:8080;', gateway],
    ['server 127.0.0.1:3000;', latchkey],
    ['server 127.0.0.1:4000;', application],
  ] as const) {
    assert.equal(site.split(address).length, 2, address);
    site = site.replace(address, address.replace(/\d+;$/, `${port};`));
  }
  return site;
}

/** Starts it in a scene. */
export const start = (ports: Ports, key: string): Promise<Started> =>
  startNginx({
    port: ports.gateway,
    site: siteOf(ports),
    files: { 'latchkey-key.conf': `proxy_set_header X-Latchkey-Gateway "${key}";\n` },
  });

/** What nginx asks about each request. */
export const QUESTION = 'GET /auth/forward?audience=orders&headers=user';

/** An access token of Ada, who has signed up, for that audience or for the issuer. */
export async function bearerFor(scene: Scene, audience?: string): Promise<string> {
  const program = new Program(scene.auth);
  const { refresh } = await program.signIn('ada@example.com');
  return (await program.renewed(refresh, audience === undefined ? {} : { audience })).access;
}
