import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure, isFailure } from '../../errors.ts';
import { StoreRefused } from '../store.ts';
import { isLost, outcomeUnknown, passes, refused, unavailable } from './postgres-errors.ts';

const server = (code: string, routine = ''): Error =>
  Object.assign(new Error('from PostgreSQL'), { severity: 'ERROR', code, routine });
const network = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

const ADDRESS = { name: 'the PostgreSQL at "db/app"', user: 'ada', database: 'app', schema: 'latchkey' };

interface Case {
  readonly what: string;
  readonly error: Error;
  readonly passes?: true;
  readonly isLost?: true;
  /** Whether it stays what it is. */
  readonly stays?: true;
}

const AT_RUN_TIME: readonly Case[] = [
  { what: 'a connection that is refused', error: network('ECONNREFUSED'), isLost: true },
  { what: 'a connection that is reset', error: network('ECONNRESET'), isLost: true },
  {
    what: 'a connection that ended',
    error: new Error('Connection terminated unexpectedly'),
    isLost: true,
  },
  { what: 'a server that is shut down', error: server('57P01'), isLost: true },
  { what: 'a server that has crashed', error: server('57P02'), isLost: true },
  { what: 'a server that is starting', error: server('57P03'), isLost: true },
  { what: 'a failure of the connection', error: server('08006'), isLost: true },
  { what: 'a server that takes no writes', error: server('25006'), isLost: true },
  { what: 'a transaction that idled too long', error: server('25P03'), isLost: true },
  { what: 'a statement that was cancelled', error: server('57014') },
  { what: 'too many connections', error: server('53300') },
  { what: 'a full disk', error: server('53100') },
  { what: 'a standby', error: server('55000') },
  { what: 'a lock that is not to be had', error: server('55P03') },
  { what: 'a password that was changed meanwhile', error: server('28P01') },
  { what: 'a right that was taken meanwhile', error: server('42501') },
  { what: 'an error of the disk', error: server('58030') },
  { what: 'damage', error: server('XX001') },
  { what: 'a serialization failure', error: server('40001'), passes: true },
  { what: 'a deadlock', error: server('40P01'), passes: true },
  { what: 'a statement that is not prepared', error: server('26000'), passes: true },
  { what: 'a statement that is prepared already', error: server('42P05'), passes: true },
  {
    what: 'a plan for other columns',
    error: server('0A000', 'RevalidateCachedQuery'),
    passes: true,
  },
  { what: 'a row that is gone', error: server('23503'), passes: true, stays: true },
  { what: 'what is not supported', error: server('0A000'), stays: true },
  { what: 'a key that is taken', error: server('23505'), stays: true },
  { what: 'an error in SQL', error: server('42601'), stays: true },
  { what: 'a wrong call', error: new TypeError('no'), stays: true },
  { what: 'a number too large', error: new RangeError('no'), stays: true },
  { what: 'an error that has a code of ours', error: failure('LK_CONFLICT'), stays: true },
];

describe('at run time', () => {
  for (const { what, error, ...expected } of AT_RUN_TIME) {
    const stays = expected.stays ?? false;
    test(`${what} ${stays ? 'stays what it is' : 'is LK_STORE_UNAVAILABLE with its cause'}`, () => {
      const thrown = unavailable(error);
      if (stays) assert.equal(thrown, error);
      else {
        assert.ok(isFailure(thrown, 'LK_STORE_UNAVAILABLE'));
        assert.equal(thrown.cause, error);
      }
      assert.equal(passes(error), expected.passes ?? false);
      assert.equal(isLost(error), expected.isLost ?? false);
    });
  }

  test('a commit whose outcome is unknown is never run again', () => {
    const thrown = outcomeUnknown(server('40001'));
    assert.ok(isFailure(thrown, 'LK_STORE_UNAVAILABLE'));
    assert.equal(passes(thrown), false);
    assert.match(String(thrown.cause), /outcome of the transaction is unknown/);
  });
});

describe('while the store is opened', () => {
  const cases: readonly (readonly [what: string, error: Error, says: RegExp])[] = [
    ['a wrong password', server('28P01'), /user and password of the URL/],
    ['a user who may not come from here', server('28000'), /pg_hba\.conf/],
    ['a missing password', new Error('SASL: client password must be a string'), /put the right one/],
    ['a missing database', server('3D000'), /CREATE DATABASE "app"/],
    ['a missing right', server('42501'), /GRANT ALL ON SCHEMA "latchkey" TO "ada"/],
    ['a database that can only be read', server('25006'), /name the primary/],
    ['no TLS', new Error('The server does not support SSL connections'), /sslmode=disable/],
    ['a certificate of nobody', network('SELF_SIGNED_CERT_IN_CHAIN'), /sslrootcert=/],
  ];
  for (const [what, error, says] of cases) {
    test(`${what} is refused in one line that names the database and the remedy`, () => {
      for (const thrown of [refused(error, ADDRESS), refused(unavailable(error), ADDRESS)]) {
        assert.ok(thrown instanceof StoreRefused);
        assert.match(thrown.message, /^the PostgreSQL at "db\/app" [^\n]+: [^\n]+$/);
        assert.match(thrown.message, says);
      }
    });
  }

  test('what may pass by itself is left as it is', () => {
    for (const error of [network('ECONNREFUSED'), network('ENOTFOUND'), server('57P03'), server('53300')]) {
      const thrown = unavailable(error);
      assert.equal(refused(thrown, ADDRESS), thrown);
    }
    const error = new StoreRefused('no');
    assert.equal(refused(error, ADDRESS), error);
  });
});
