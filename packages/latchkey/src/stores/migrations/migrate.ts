import type { Kysely } from 'kysely';
import { isFailure } from '../../errors.ts';
import type { Schema } from '../sql/schema.ts';
import { StoreRefused } from '../store.ts';
import type { ColumnTypes, Migration } from './migration.ts';

/** What `migrate` needs to know. */
export interface MigrateOptions {
  /** What this build knows, in the order of versions. */
  readonly migrations: readonly Migration[];
  readonly types: ColumnTypes;
  /** Whether an error is of those that make the whole migration run again. */
  readonly passes: (error: unknown) => boolean;
  /** What messages call the database. */
  readonly name: string;
}

/**
 * Brings the schema up to this build's version. Must run in a transaction under
 * the migration lock, so that one process at a time does it and a failure leaves
 * the schema as it was.
 *
 * A schema that is newer is left alone, and refused only where it says that this
 * build can no longer work with it.
 *
 * @throws {StoreRefused} with the versions and the remedy.
 */
export async function migrate(db: Kysely<Schema>, options: MigrateOptions): Promise<void> {
  await db.schema
    .createTable('schema_state')
    .ifNotExists()
    .addColumn('one', 'integer', (column) => column.primaryKey())
    .addColumn('schema_version', 'integer', (column) => column.notNull())
    .addColumn('min_compatible_version', 'integer', (column) => column.notNull())
    .execute();
  const state = await db
    .selectFrom('schema_state')
    .select(['schema_version as version', 'min_compatible_version as minCompatible'])
    .executeTakeFirst();
  const { version, minCompatible } = state ?? { version: 0, minCompatible: 0 };
  const known = options.migrations.at(-1)?.version ?? 0;
  if (known < minCompatible) {
    throw new StoreRefused(
      `${options.name} has schema version ${version} and needs a build that knows at least version ` +
        `${minCompatible}, and this build knows ${known}: run a newer build of Latchkey`,
    );
  }
  const pending = options.migrations.filter((migration) => migration.version > version);
  if (pending.length === 0) return;
  for (const migration of pending) await step(db, migration, options);
  const reached = {
    schema_version: known,
    min_compatible_version: Math.max(minCompatible, ...pending.map((migration) => migration.minCompatible)),
  };
  await db
    .insertInto('schema_state')
    .values({ one: 1, ...reached })
    .onConflict((conflict) => conflict.column('one').doUpdateSet(reached))
    .execute();
}

async function step(
  db: Kysely<Schema>,
  { version, up }: Migration,
  { types, name, passes }: MigrateOptions,
): Promise<void> {
  try {
    await up(db, types);
  } catch (error) {
    if (isFailure(error) || passes(error)) throw error;
    const why = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    throw new StoreRefused(
      `${name} cannot be brought to schema version ${version} (${why}): ` +
        'if it belongs to something else, give Latchkey a database of its own',
      { cause: error },
    );
  }
}
