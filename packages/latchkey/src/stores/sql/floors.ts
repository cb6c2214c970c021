import type { FloorScope, Position, Scope } from '@latchkey/verify';
import { type Expression, type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import { type Param, Statement } from './statement.ts';

const EVERYONE = new Uint8Array(0);

/** Whom floors may concern: a session's user, if it has one, and its client; a user alone has none, nor has a client a user. */
export interface Concerned {
  readonly user: Expression<Uint8Array | null> | null;
  readonly client: Expression<Uint8Array> | null;
}

/** The session of the query around. */
export const SESSION_CONCERNED: Concerned = {
  user: sql.ref('session.user_id'),
  client: sql.ref('session.client_subject'),
};

function concerning(db: Kysely<Schema>, { user, client }: Concerned) {
  return db
    .selectFrom('floor')
    .where((eb) =>
      eb.or([
        ...(user === null ? [] : [eb.and([eb('floor.scope', '=', 'user'), eb('floor.subject', '=', user)])]),
        ...(client === null
          ? []
          : [eb.and([eb('floor.scope', '=', 'client'), eb('floor.subject', '=', client)])]),
        eb.and([eb('floor.scope', '=', 'all'), eb('floor.subject', '=', EVERYONE)]),
      ]),
    );
}

/** The highest floor that concerns a session, as a subquery: its user's, its client's, everyone's. */
export function highestFloor(db: Kysely<Schema>, concerned: Concerned) {
  return concerning(db, concerned).select((eb) => eb.fn.max('floor.min_rs').as('floor'));
}

/** A row for each floor that is above `rs` and so has ended the session, as a subquery. */
export function floorsAbove(db: Kysely<Schema>, concerned: Concerned, rs: Expression<Position>) {
  return concerning(db, concerned).select('floor.min_rs').where('floor.min_rs', '>', rs);
}

/** Raises a floor, which is never lowered. */
export function raiseFloorStatement(db: Kysely<Schema>) {
  type Raised = { scope: FloorScope; subject: Uint8Array; seq: Position };
  return new Statement((param: Param<Raised>) =>
    db
      .insertInto('floor')
      .values({ scope: param('scope'), subject: param('subject'), min_rs: param('seq') })
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'subject'])
          .doUpdateSet((eb) => ({ min_rs: eb.ref('excluded.min_rs') }))
          .whereRef('excluded.min_rs', '>', 'floor.min_rs'),
      ),
  );
}

/**
 * The scope as one that has floors.
 *
 * @throws {TypeError} for one that has none.
 */
export function floorScope(scope: Scope): FloorScope {
  if (scope === 'session' || scope === 'api_key' || scope === 'signing_key')
    throw new TypeError(`no floor stands for the scope ${scope}`);
  return scope;
}
