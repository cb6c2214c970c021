import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgres } from 'latchkey/postgres';
import pg from 'pg';
import { createDatabase } from '../../tools/postgres-database.mjs';
import { idIn, inside, statusOf } from '../attacks/scene.ts';
import { bodyOf, openWorld, type World } from '../http/world.ts';

const CONNECTIONS = 2;
const MAX_STALENESS = 3_000;

async function connected({ url }: { readonly url: string }): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describe('requests that wait for a locked row with all connections of the pool (@fault F3)', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let world: World;
  let other: World;
  before(async () => {
    database = await createDatabase();
    const options = { log: { maxStaleness: '3s' } } as const;
    world = await openWorld(options, postgres(database.url, { connections: CONNECTIONS }));
    other = await openWorld(options, postgres(database.url));
  });
  after(async () => {
    for (const { auth } of [world, other]) await auth.close();
    await database.drop();
  });

  test('leave the copy of the log fresh: memory answers, and hears what ends meanwhile (@rule R4)', async (context) => {
    const kept = world.browser();
    await kept.signUp('kept@example.com');
    const revoked = world.browser();
    await revoked.signUp('revoked@example.com');
    const locked = world.browser();
    const { user } = await bodyOf(await locked.signUp('locked@example.com'));
    const id = idIn<'user'>(String(inside(user, 'id')));
    const me = await bodyOf(await revoked.get('/auth/me'));
    for (const { cookie } of [kept, revoked]) assert.equal(await statusOf(world, cookie), 200, 'remembered');

    // In a transaction the server's statistics stand still.
    const [blocker, watcher] = [await connected(database), await connected(database)];
    context.after(() => Promise.all([blocker.end(), watcher.end()]));
    await blocker.query('begin');
    await blocker.query('select 1 from latchkey.account where id = $1 for update', [
      Buffer.from(id, 'base64url'),
    ]);
    const released = new AbortController();
    const waiters = Array.from({ length: 3 * CONNECTIONS }, async () => {
      while (!released.signal.aborted) await world.auth.users.disable(id).catch(() => undefined);
    });
    context.after(() => released.abort());
    const waiting = `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    const areWaiting = async (): Promise<boolean> =>
      (await watcher.query<{ count: number }>(waiting)).rows[0]?.count === CONNECTIONS;
    while (!(await areWaiting())) await sleep(10);

    // As long as a copy that hears nothing would still be believed, and as long again.
    const until = performance.now() + 2 * MAX_STALENESS;
    const seen = { looks: 0, held: 0 };
    const look = async (): Promise<void> => {
      for (; performance.now() < until; seen.looks += 1) {
        if (await areWaiting()) seen.held += 1;
        await sleep(20);
      }
    };
    const check = async (): Promise<void> => {
      while (performance.now() < until) {
        // It asks the store too, and waits for a connection of the pool as long as that takes.
        const { fresh, lag } = await world.auth.status();
        assert.ok(fresh, `${lag} ms old`);
      }
    };
    await Promise.all([look(), check()]);
    assert.ok(seen.held >= seen.looks / 2, `all were held at ${seen.held} of ${seen.looks} looks`);
    assert.equal(await statusOf(world, kept.cookie), 200);
    await other.auth.revoke({ user: idIn<'user'>(String(me['id'])) });
    const { seq } = await other.store.log.head();
    while ((await world.auth.status()).position < seq) await sleep(10);
    // It is forgotten: 503 where who knows more is not to be had, 401 where a connection came free.
    assert.ok([401, 503].includes(await statusOf(world, revoked.cookie)));
    await blocker.query('rollback');
    released.abort();
    await Promise.all(waiters);
    assert.equal(await statusOf(world, revoked.cookie), 401);
  });
});
