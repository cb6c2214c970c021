import type { EntryKind, Position, Scope, Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes } from '../../foundation/ids.ts';
import type { Append } from './append.ts';
import { floorScope, raiseFloorStatement } from './floors.ts';
import type { Schema } from './schema.ts';
import { revokeStatement } from './session-statements.ts';
import { type Param, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** A statement for each row: what costs least where the database is in the process, and whoever writes is alone. */
export function appendOneByOne(db: Kysely<Schema>): Append {
  type Row = {
    seq: Position;
    kind: EntryKind;
    scope: Scope;
    subject: Bytes;
    expiresAt: Timestamp;
    tag: number;
  };
  const stands = new Statement((param: Param<{ key: string }>) =>
    db.selectFrom('meta').select('value').where('key', '=', param('key')),
  );
  const take = new Statement((param: Param<{ count: number; tag: number }>) =>
    db
      .updateTable('log_head')
      .set((eb) => ({ seq: eb('seq', '+', param('count')), tag: param('tag') }))
      .returning(['epoch', 'seq']),
  );
  const insert = new Statement((param: Param<Row>) =>
    db.insertInto('revocation').values({
      seq: param('seq'),
      kind: param('kind'),
      scope: param('scope'),
      subject: param('subject'),
      expires_at: param('expiresAt'),
      tag: param('tag'),
    }),
  );
  const end = revokeStatement(db);
  const raise = raiseFloorStatement(db);

  return async (runner, { entries, standing }) =>
    await runner.atomically(async (own) => {
      if (standing !== null) {
        const now = await own.row(stands, { key: standing.key });
        if ((now?.value ?? null) !== standing.value) return null;
      }
      const head = await own.row(take, { count: entries.length, tag: entries.at(-1)?.tag ?? 0 });
      if (head === null) return null;
      for (const [index, { ends, ...entry }] of entries.entries()) {
        const seq = head.seq - entries.length + 1 + index;
        const subject = idBytes(entry.subject);
        await own.write(insert, { ...entry, subject, seq });
        if (ends === 'session') await own.write(end, { id: subject, seq });
        if (ends === 'floor') await own.write(raise, { scope: floorScope(entry.scope), subject, seq });
      }
      return head;
    });
}
