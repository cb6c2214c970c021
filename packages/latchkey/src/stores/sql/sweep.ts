import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import type { SqlDialect } from './dialect.ts';
import type { Schema } from './schema.ts';
import { type Param, Statement } from './statement.ts';

/**
 * Deletes some of what has expired. It has no order of its own in which it could lock several
 * rows as everybody else does, so what somebody holds is left for the next time.
 */
export function sweepStatement(
  db: Kysely<Schema>,
  table: 'session' | 'receipt',
  { unheld }: Pick<SqlDialect, 'unheld'>,
) {
  return new Statement((param: Param<{ before: Timestamp; limit: number }>) =>
    db
      .with('expired', (tables) =>
        tables
          .selectFrom(table)
          .select('id')
          .where('expires_at', '<', param('before'))
          .orderBy('expires_at')
          .limit(param('limit'))
          .modifyEnd(unheld),
      )
      .deleteFrom(table)
      .where('id', 'in', (eb) => eb.selectFrom('expired').select('expired.id'))
      .returning('id'),
  );
}
