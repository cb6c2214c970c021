import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgres } from 'latchkey/postgres';
import pg from 'pg';
import { type PostgresServer, startPostgres } from '../../tools/postgres.mjs';
import { holding } from '../attacks/scene.ts';
import { CLIENTS, Program } from '../http/program.ts';
import { openWorld, type World } from '../http/world.ts';
import { openProxy, type Proxy } from './proxy.ts';

/** A primary with a standby that follows it, and two nodes behind one way to whoever is primary. */
interface Scene {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  readonly proxy: Proxy;
  readonly nodes: readonly [World, World];
  close(): Promise<void>;
}

async function ask(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await holds()) return;
    await sleep(50);
  }
  assert.fail(`never came true: ${what}`);
}

async function open(settings: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const primary = await startPostgres({ settings });
  await primary.stop();
  const standby = await startPostgres({
    standbyOf: primary,
    settings: { wal_retrieve_retry_interval: '100ms' },
  });
  await primary.restart();
  const proxy = await openProxy(primary.port);
  const url = new URL(primary.url);
  url.port = String(proxy.port);
  const node = (): Promise<World> => openWorld({ clients: CLIENTS }, postgres(url.href));
  const opened: World[] = [];
  const close = async (): Promise<void> => {
    for (const { auth } of opened) await auth.close().catch(() => undefined);
    await proxy.close();
    await primary.remove();
    await standby.remove();
  };
  try {
    const nodes = [await node(), await node()] as const;
    opened.push(...nodes);
    return { primary, standby, proxy, nodes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The standby has everything that the primary has. */
async function replicated({ primary, standby }: Scene): Promise<void> {
  const head = 'select seq, epoch from latchkey.log_head';
  await until('the standby has caught up', async () => {
    const theirs = await ask(standby.url, head).catch(() => []);
    return JSON.stringify(theirs) === JSON.stringify(await ask(primary.url, head));
  });
}

/** The primary dies, the standby takes its place, and the nodes find it. */
async function failOver({ primary, standby, proxy, nodes }: Scene, between = 'select 1'): Promise<void> {
  await primary.kill();
  await ask(standby.url, 'select pg_promote()');
  await ask(standby.url, between);
  proxy.lead(standby.port);
  for (const node of nodes) {
    await until('the node goes on in a new epoch', async () => {
      // Told when it has written again what may have been lost.
      return toldOf(node).length > 0 && (await node.auth.status()).fresh;
    });
  }
}

const toldOf = (node: World): readonly string[] =>
  node.events.map(({ type }) => type).filter((type) => type === 'log_failed_over' || type === 'log_restored');

describe('a database whose standby takes its place (@rule R8, @fault F3)', () => {
  test('has lost the last seconds: what was revoked stays so, and nobody else is signed out', async (context) => {
    const scene = await open();
    context.after(() => scene.close());
    const [here, there] = scene.nodes;
    const ended = here.browser();
    await ended.signUp('ended@example.com');
    const program = new Program(here.auth);
    const banned = await program.signUp('banned@example.com');
    const kept = here.browser();
    await kept.signUp('kept@example.com');
    const keptToken = await program.signUp('token@example.com');
    const { cookie } = ended;
    await replicated(scene);
    await ask(scene.standby.url, `alter system set primary_conninfo = ''`);
    await ask(scene.standby.url, 'select pg_reload_conf()');
    await until('nothing reaches the standby', async () => {
      const rows = await ask(scene.primary.url, 'select 1 from pg_stat_replication');
      return rows.length === 0;
    });

    assert.equal((await ended.post('/auth/sign-out')).status, 200);
    await there.auth.revoke({ user: banned.user });
    const lost = (await here.store.log.head()).seq;
    await failOver(scene);

    const [head] = await ask(scene.standby.url, 'select previous_seq::text as seq from latchkey.log_head');
    assert.ok(Number(head?.['seq']) < lost, 'the standby never had what was acknowledged');
    for (const node of scene.nodes) {
      assert.equal((await holding(node, cookie).get('/auth/me')).status, 401);
      const other = new Program(node.auth);
      assert.equal(await other.status(banned.access), 401);
      assert.match(await other.refusal(banned.refresh), /invalid_grant/);
      assert.equal((await holding(node, kept.cookie).get('/auth/me')).status, 200);
      assert.equal(await other.status(keptToken.access), 200);
      assert.deepEqual(toldOf(node), ['log_failed_over']);
    }
    // The rows say so too, for whoever comes without a memory.
    const fresh = await openWorld({ clients: CLIENTS }, postgres(urlThrough(scene)));
    assert.equal((await holding(fresh, cookie).get('/auth/me')).status, 401);
    assert.equal(await new Program(fresh.auth).status(banned.access), 401);
    await fresh.auth.close();
  });

  test('has lost the last seconds, and whoever wrote in them is gone: who has seen it writes it again, once', async (context) => {
    const scene = await open();
    context.after(() => scene.close());
    const [here] = scene.nodes;
    const program = new Program(here.auth);
    const banned = await program.signUp('banned@example.com');
    const kept = here.browser();
    await kept.signUp('kept@example.com');
    await replicated(scene);
    // What nobody has lost must not end anything once more.
    await kept.delete('/auth/sessions?except=current');
    await replicated(scene);
    await ask(scene.standby.url, `alter system set primary_conninfo = ''`);
    await ask(scene.standby.url, 'select pg_reload_conf()');
    await until('nothing reaches the standby', async () => {
      const rows = await ask(scene.primary.url, 'select 1 from pg_stat_replication');
      return rows.length === 0;
    });
    const command = await openWorld({ clients: CLIENTS }, postgres(urlThrough(scene)));
    await command.auth.revoke({ user: banned.user });
    const { seq } = await command.store.log.head();
    await command.auth.close();
    for (const { auth } of scene.nodes) {
      await until('the nodes have heard of it', async () => (await auth.status()).position >= seq);
    }
    await failOver(scene);
    for (const node of scene.nodes) {
      assert.equal(await new Program(node.auth).status(banned.access), 401);
      assert.match(await new Program(node.auth).refusal(banned.refresh), /invalid_grant/);
      assert.equal((await holding(node, kept.cookie).get('/auth/me')).status, 200);
    }
    const again = await ask(
      scene.standby.url,
      `select count(*)::int as n from latchkey.revocation r, latchkey.log_head h where r.seq > h.epoch_start`,
    );
    assert.deepEqual(again, [{ n: 1 }]);
  });

  test('has lost more than its writers remember: everything older has ended', async (context) => {
    const scene = await open();
    context.after(() => scene.close());
    const [here] = scene.nodes;
    const visit = here.browser();
    await visit.signUp('ada@example.com');
    await replicated(scene);
    await ask(scene.standby.url, `alter system set primary_conninfo = ''`);
    await ask(scene.standby.url, 'select pg_reload_conf()');
    await here.auth.revoke({ client: 'nobody-uses-it' });
    await until('nothing reaches the standby', async () => {
      const rows = await ask(scene.primary.url, 'select 1 from pg_stat_replication');
      return rows.length === 0;
    });
    await here.auth.revoke({ client: 'nobody-uses-it' });
    // Its last beat is of an hour ago, and no node may write another before it has judged by that one.
    await failOver(scene, 'update latchkey.log_beat set at = at - 3600000');
    for (const node of scene.nodes) {
      assert.equal((await holding(node, visit.cookie).get('/auth/me')).status, 401);
    }
    await visit.signIn('ada@example.com');
    assert.equal((await visit.get('/auth/me')).status, 200);
    assert.ok(here.events.some(({ type }) => type === 'log_restored'));
  });

  test('is cut off from the machine that must confirm its commits: nodes notice, and rely on nothing old', async (context) => {
    const scene = await open();
    context.after(() => scene.close());
    const [here] = scene.nodes;
    const visit = here.browser();
    await visit.signUp('ada@example.com');
    await replicated(scene);
    await ask(scene.primary.url, `alter system set synchronous_standby_names = 'standby'`);
    await ask(scene.primary.url, 'select pg_reload_conf()');
    await until('commits wait for the standby', async () => {
      const [row] = await ask(scene.primary.url, 'select sync_state from pg_stat_replication');
      return row?.['sync_state'] === 'sync';
    });
    assert.equal((await visit.get('/auth/me')).status, 200);
    await scene.standby.stop();
    await until('its copy of the log is no longer fresh', async () => !(await here.auth.status()).fresh);
    assert.ok((await here.auth.status()).lag >= 5_000);
    await scene.standby.restart();
    await until('it is fresh again', async () => (await here.auth.status()).fresh);
    assert.equal((await visit.get('/auth/me')).status, 200);
  });
});

function urlThrough({ primary, proxy }: Scene): string {
  const url = new URL(primary.url);
  url.port = String(proxy.port);
  return url.href;
}
