import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { eventLogger, logTo } from './log.ts';

/** A log and the lines that it has written. */
function scene(): {
  readonly log: ReturnType<typeof logTo>;
  readonly lines: () => Record<string, unknown>[];
} {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  const lines = (): Record<string, unknown>[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => ({ ...(JSON.parse(line) as object) }));
  return { log: logTo(stream, 'info'), lines };
}

for (const name of [
  'password',
  'current_password',
  'new_password',
  'token',
  'secret',
  'cookie',
  'authorization',
  'set-cookie',
]) {
  test(`what is called ${name} is blotted out of a line, at the top and one level below (@asvs 16.2.5)`, () => {
    const { log, lines } = scene();
    log.logger.info({ [name]: 'CANARY', inner: { [name]: 'CANARY' } }, 'line');
    const [line] = lines();
    assert.ok(line !== undefined);
    assert.equal(line[name], '[secret]');
    assert.deepEqual(line['inner'], { [name]: '[secret]' });
  });
}

test('an event becomes one line, refused ones as warnings, and what failed with its causes', () => {
  const { log, lines } = scene();
  const write = eventLogger(log.logger);
  write({ type: 'signed_in', user: 'u', ip: '::1' });
  write({ type: 'sign_in_refused', code: 'LK_PASSWORD_WRONG' });
  write({ type: 'failed', error: new Error('outer', { cause: new Error('inner') }) });
  const [done, refused, failed] = lines();
  assert.deepEqual([done?.['msg'], done?.['level'], done?.['user']], ['signed_in', 30, 'u']);
  assert.deepEqual([refused?.['msg'], refused?.['level']], ['sign_in_refused', 40]);
  const error = failed?.['error'] as { message: string; cause: { message: string } };
  assert.deepEqual([failed?.['level'], error.message, error.cause.message], [50, 'outer', 'inner']);
});

test('a request becomes one line of its own form, a control character in its path cannot begin another', () => {
  const { log, lines } = scene();
  log.request({ request: 'r', method: 'GET', path: '/a\n{"b":1}', status: 200, ms: 1.5, ip: null });
  const all = lines();
  assert.equal(all.length, 1);
  const { time, ...line } = all[0] ?? {};
  assert.equal(typeof time, 'number');
  assert.deepEqual(line, {
    level: 30,
    request: 'r',
    method: 'GET',
    path: '/a\n{"b":1}',
    status: 200,
    ms: 1.5,
    ip: null,
    msg: 'request',
  });
});

test('what machines ask all the time is not in the log while it is answered', () => {
  const { log, lines } = scene();
  const line = { request: 'one', method: 'POST', ms: 1, ip: null } as const;
  log.request({ ...line, path: '/auth/feed/pull', status: 200 });
  log.request({ ...line, path: '/health/ready', status: 200 });
  log.request({ ...line, path: '/auth/feed/pull', status: 503 });
  log.request({ ...line, path: '/auth/sign-in', status: 200 });
  assert.deepEqual(
    lines().map(({ path, status }) => [path, status]),
    [
      ['/auth/feed/pull', 503],
      ['/auth/sign-in', 200],
    ],
  );
});
