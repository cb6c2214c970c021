import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { latchkey, type Store } from 'latchkey';
import { postgres } from 'latchkey/postgres';
import pg from 'pg';
import { z } from 'zod';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';
import { CLIENTS, Program } from '../http/program.ts';
import { ORIGIN, openWorld, PASSWORD, TEST_SECRET, type World } from '../http/world.ts';
import { type Door, door, overriding } from './scene.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
});
after(async () => await database.drop());

/** What a transaction is held up after. */
type Step = 'session' | 'administrators' | 'keys';

/** A store in whose next transaction a step is held up once the database has answered it. */
interface Held {
  readonly store: Store;
  shutAfter(step: Step): Door;
  /** Opens all doors: whoever is still held up goes on. */
  release(): void;
}

function holding(inner: Store): Held {
  let next: { readonly step: Step; readonly shut: Door } | null = null;
  const doors: Door[] = [];
  const transaction: Store['transaction'] = (work) =>
    inner.transaction(async (tables) => {
      const held = next;
      next = null;
      const after = async <T>(step: Step, answer: Promise<T>): Promise<T> => {
        const answered = await answer;
        if (held?.step === step) await held.shut.pass();
        return answered;
      };
      const { sessions, users, signingKeys } = tables;
      return await work({
        ...tables,
        sessions: overriding(sessions, {
          create: async (record) => await after('session', sessions.create(record)),
        }),
        users: overriding(users, {
          countWithRole: async (role) => await after('administrators', users.countWithRole(role)),
        }),
        signingKeys: overriding(signingKeys, { list: async () => await after('keys', signingKeys.list()) }),
      });
    });
  return {
    store: { ...inner, transaction },
    shutAfter: (step) => {
      next = { step, shut: door() };
      doors.push(next.shut);
      return next.shut;
    },
    release: () => {
      for (const each of doors) each.open();
    },
  };
}

interface Nodes {
  readonly one: World;
  readonly held: Held;
  readonly other: World;
}

async function withNodes(work: (nodes: Nodes) => Promise<void>): Promise<void> {
  const { url, schema, drop } = nameSchema(database);
  const held = holding(postgres(url, { schema }));
  const one = await openWorld({ clients: CLIENTS }, held.store);
  const other = await openWorld({ clients: CLIENTS }, postgres(url, { schema }));
  try {
    await work({ one, held, other });
  } finally {
    held.release();
    await Promise.all([one.auth.close(), other.auth.close()]);
    await drop();
  }
}

/** Resolves when something waits for a lock in the database, or `instead` has ended. */
async function waitsForLock(instead: Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const state = { over: false };
  const over = (): void => void (state.over = true);
  instead.then(over, over);
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  try {
    while (!state.over && (await client.query(waiting)).rowCount === 0);
  } finally {
    await client.end();
  }
}

describe('on two nodes at once', () => {
  for (const client of ['spa', 'mobile'] as const) {
    test(`a sign-in at ${client} that is overtaken by a sign-out everywhere hands out nothing that is good (@rule R1, @rule R3)`, async () => {
      await withNodes(async ({ one, held, other }) => {
        const owner = new Program(other.auth);
        const { access } = await owner.signUp('overtaken@example.com');
        const shut = held.shutAfter('session');
        const headers = client === 'spa' ? { 'Sec-Fetch-Site': 'same-origin', Origin: ORIGIN } : {};
        const late = new Program(one.auth).send('POST', '/auth/sign-in', {
          json: { email: 'overtaken@example.com', password: PASSWORD, client },
          headers,
        });
        await shut.reached;
        const ended = await owner.send('DELETE', '/auth/sessions', { bearer: access });
        assert.equal(ended.status, 200);
        shut.open();
        const response = await late;
        assert.equal(response.status, 401, await response.clone().text());
        assert.deepEqual(response.headers.getSetCookie(), []);
      });
    });
  }

  test('the first administrator and a token for one leave no token that is good (@rule R7)', async () => {
    await withNodes(async ({ one, held, other }) => {
      const shut = held.shutAfter('administrators');
      const issued = one.auth.setupLink();
      await shut.reached;
      const created = other.auth.users.create({
        email: 'root@example.com',
        password: PASSWORD,
        administrator: true,
      });
      await waitsForLock(created);
      shut.open();
      await created;
      const token = new URL((await issued)?.reveal() ?? '').searchParams.get('token');
      const response = await new Program(other.auth).send('POST', '/auth/setup', {
        json: { token, email: 'second@example.com', password: PASSWORD },
      });
      assert.equal(response.status, 401);
    });
  });

  test('the first start makes one signing key of an algorithm, and the one after it', async (context) => {
    const { url, schema, drop } = nameSchema(database);
    const held = holding(postgres(url, { schema }));
    const shut = held.shutAfter('keys');
    const opening = openWorld({ clients: CLIENTS }, held.store);
    await shut.reached;
    const otherOpening = openWorld({ clients: CLIENTS }, postgres(url, { schema }));
    context.after(async () => {
      held.release();
      const opened = await Promise.allSettled([opening, otherOpening]);
      for (const outcome of opened) if (outcome.status === 'fulfilled') await outcome.value.auth.close();
      await drop();
    });
    await waitsForLock(otherOpening);
    shut.open();
    const [one] = await Promise.all([opening, otherOpening]);
    const states = (await one.auth.keys.list()).map(({ state }) => state);
    assert.deepEqual(states.toSorted(), ['current', 'next']);
  });

  test('many writers of one session do not pass the limit of its data together', async (context) => {
    const { url, schema, drop } = nameSchema(database);
    const auth = latchkey({
      url: ORIGIN,
      secret: TEST_SECRET,
      store: postgres(url, { schema }),
      session: z.record(z.string(), z.string()),
    });
    context.after(async () => {
      await auth.close();
      await drop();
    });
    let cookie = '';
    const request = (): Request =>
      new Request(ORIGIN, { method: 'POST', headers: { 'Sec-Fetch-Site': 'same-origin', Cookie: cookie } });
    const first = await auth.session(request(), (value) => {
      cookie = value.split(';')[0] ?? '';
    });
    await first.set('first', 'x');
    const again = await auth.session(request(), () => assert.fail('it has a session'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => again.set(`key${index}`, 'x'.repeat(7_000))),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2);
  });
});
