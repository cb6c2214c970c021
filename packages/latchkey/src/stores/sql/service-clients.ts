import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { ClientKey, ServiceClientRecord, ServiceReading } from '../records.ts';
import type { ServiceClientStore } from '../store.ts';
import type { SqlDialect } from './dialect.ts';
import { highestFloor } from './floors.ts';
import type { Schema, ServiceClientTable } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlServiceClients`. */
export type ServiceClientStatements = ReturnType<typeof serviceClientStatements>;

/** Compiles the statements of `SqlServiceClients`. */
export function serviceClientStatements(db: Kysely<Schema>, { forUpdate }: Pick<SqlDialect, 'forUpdate'>) {
  type Key = { keyHash: Bytes; previousKeyHash: Bytes | null; previousUntil: Timestamp | null };
  type New = Key & {
    subject: Bytes;
    name: string;
    audiences: string;
    createdAt: Timestamp;
    rotatedAt: Timestamp | null;
  };
  return {
    create: new Statement((param: Param<New>) =>
      db
        .insertInto('service_client')
        .values({
          subject: param('subject'),
          name: param('name'),
          audiences: param('audiences'),
          key_hash: param('keyHash'),
          previous_key_hash: param('previousKeyHash'),
          previous_until: param('previousUntil'),
          created_at: param('createdAt'),
          rotated_at: param('rotatedAt'),
        })
        .onConflict((conflict) => conflict.column('subject').doNothing()),
    ),
    read: readStatement(db),
    hold: new Statement((param: Param<{ subject: Bytes }>) =>
      db
        .selectFrom('service_client')
        .selectAll()
        .where('subject', '=', param('subject'))
        .modifyEnd(forUpdate),
    ),
    list: new Statement(() => db.selectFrom('service_client').selectAll().orderBy('name')),
    listEnabled: new Statement(() =>
      db
        .selectFrom('service_client')
        .leftJoin('disabled_client', 'disabled_client.subject', 'service_client.subject')
        .selectAll('service_client')
        .where('disabled_client.subject', 'is', null)
        .orderBy('service_client.name'),
    ),
    replaceKey: new Statement((param: Param<Key & { subject: Bytes; rotatedAt: Timestamp }>) =>
      db
        .updateTable('service_client')
        .set({
          key_hash: param('keyHash'),
          previous_key_hash: param('previousKeyHash'),
          previous_until: param('previousUntil'),
          rotated_at: param('rotatedAt'),
        })
        .where('subject', '=', param('subject')),
    ),
  };
}

/** One statement, so that head, floors, the client and whether it is disabled are of one snapshot. */
function readStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ subject: Bytes }>) =>
    db
      .selectFrom('service_client')
      .crossJoin('log_head')
      .leftJoin('disabled_client', 'disabled_client.subject', 'service_client.subject')
      .selectAll('service_client')
      .select(['log_head.seq as head', 'disabled_client.disabled_at as disabledAt'])
      .select(highestFloor(db, { user: null, client: sql.ref('service_client.subject') }).as('floor'))
      .where('service_client.subject', '=', param('subject')),
  );
}

function audiencesIn(text: string): readonly string[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(String) : [];
}

function recordOf(row: ServiceClientTable): ServiceClientRecord {
  return {
    subject: idFromBytes(row.subject),
    name: row.name,
    audiences: audiencesIn(row.audiences),
    keyHash: row.key_hash,
    previousKeyHash: row.previous_key_hash,
    previousUntil: row.previous_until,
    createdAt: row.created_at,
    rotatedAt: row.rotated_at,
  };
}

/** Clients with a key. */
export class SqlServiceClients implements ServiceClientStore {
  readonly #statements: ServiceClientStatements;
  readonly #runner: Runner;

  constructor(statements: ServiceClientStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async create({ subject, audiences, ...client }: ServiceClientRecord): Promise<boolean> {
    const values = { ...client, subject: idBytes(subject), audiences: JSON.stringify(audiences) };
    return (await this.#runner.write(this.#statements.create, values)) === 1;
  }

  async read(subject: string): Promise<ServiceReading | null> {
    const row = await this.#runner.row(this.#statements.read, { subject: idBytes(subject) });
    if (row === null) return null;
    return { head: row.head, client: recordOf(row), disabledAt: row.disabledAt, floor: row.floor };
  }

  async hold(subject: string): Promise<ServiceClientRecord | null> {
    const row = await this.#runner.row(this.#statements.hold, { subject: idBytes(subject) });
    return row === null ? null : recordOf(row);
  }

  async list(): Promise<readonly ServiceClientRecord[]> {
    return (await this.#runner.rows(this.#statements.list, {})).map(recordOf);
  }

  async listEnabled(): Promise<readonly ServiceClientRecord[]> {
    return (await this.#runner.rows(this.#statements.listEnabled, {})).map(recordOf);
  }

  async replaceKey(subject: string, key: ClientKey, at: Timestamp): Promise<boolean> {
    const values = { ...key, subject: idBytes(subject), rotatedAt: at };
    return (await this.#runner.write(this.#statements.replaceKey, values)) === 1;
  }
}
