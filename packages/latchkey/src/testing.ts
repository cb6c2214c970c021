/**
 * For tests of applications that use Latchkey: their own configuration on a
 * database in memory, a clock to move, and people who are signed in.
 *
 * @module
 */
import { type Acr, type Clock, type Millis, systemClock, type Timestamp } from '@latchkey/verify';
import { type Duration, parseDuration } from './foundation/durations.ts';
import {
  type AuthEvent,
  type Latchkey,
  type PrincipalOf,
  type Replaceable,
  replaceSystem,
  type Shape,
  sqlite,
} from './latchkey.ts';
import type { System } from './system.ts';
import { beginSession } from './testing/begin-session.ts';

export type { Duration } from './foundation/durations.ts';

/** The machine's clock and what it was moved by: the one that `auth` goes by meanwhile. */
export interface TestClock extends Clock {
  /**
   * Moves the wall clock and the monotonic one on, as if so much time had passed
   * in quiet: what was noted is written down, and the copy of the log is fresh
   * again when the promise resolves. It never moves back.
   *
   * @throws {TypeError} where the text is no duration, and when this has ended.
   */
  advance(duration: Duration): Promise<void>;
}

/** Where the configuration declares no fields, none can be named: an empty type alone would take any. */
type FieldsOf<S extends Shape> = [keyof S['fields']] extends [never]
  ? Readonly<Record<string, never>>
  : Partial<S['fields']>;

/** Who is to be signed in. What is left out stays as it is, or is as for a new user. */
export interface UserToSignIn<S extends Shape> {
  /** Whoever has it is signed in; where nobody has, a user is created, without a password. */
  readonly email: string;
  /** Of a new user. */
  readonly name?: string | null;
  /** These and no others. */
  readonly roles?: readonly (S['role'] | 'administrator')[];
  /** Written anew: those that are left out have their defaults. */
  readonly fields?: FieldsOf<S>;
  /** The name of a configured client. Default the first. */
  readonly client?: string;
  /** Default `aal1`, which a password alone is. */
  readonly acr?: Acr;
  /** When the user last proved who they are, in milliseconds since the epoch. Default now. */
  readonly authTime?: Timestamp;
}

/** Somebody who has just signed in, and what their requests carry. */
export interface SignedInUser<S extends Shape> {
  /**
   * For clients of modes `session` and `hybrid` the cookie, and `Sec-Fetch-Site` so
   * that unsafe requests pass as those of a page of ours; for mode `jwt` `Authorization`.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** What `auth.authenticate` answered for them at sign-in. */
  readonly principal: PrincipalOf<S>;
  /**
   * An access token of this session, for modes `hybrid` and `jwt`, from what the
   * store says now. Default audience the issuer.
   *
   * @throws `LK_GRANT_REFUSED` where the session has ended; `LK_AUDIENCE_REFUSED`.
   * @throws {TypeError} for a client of mode `session`.
   */
  token(audience?: string): Promise<string>;
}

/** An application's Latchkey while it is tested. */
export interface Testing<S extends Shape> {
  readonly clock: TestClock;
  /** What has happened, oldest first. The configuration's own `onEvent` is told as well. */
  readonly events: readonly AuthEvent[];
  /**
   * Signs somebody in, in milliseconds: no password is asked for, and none is hashed.
   *
   * @throws {TypeError} for a client or role that is not configured, for a proof in
   *   the future, and when this has ended: it was closed, or another has begun.
   * @throws `LK_REQUEST_INVALID` for an address that is none, and for fields that do not fit the schema.
   */
  signIn(user: UserToSignIn<S>): Promise<SignedInUser<S>>;
  /** Lets go of everything. `auth` stays off its own store: whoever uses it still meets an empty one. */
  close(): Promise<void>;
}

/**
 * Puts an application's own Latchkey on an empty database in memory and on a
 * clock that can be moved. Its configuration stays; its own store is not opened.
 * Called again, it begins anew, and what was there is closed.
 *
 * It comes before the first use, because a Latchkey that has opened its store may
 * be serving people: exchanged under them, it would sign them all out, lose whoever
 * signs up from then on, and hand a session to whoever asks.
 *
 * @throws {TypeError} where `ready` was called or a request was served before, and
 *   where `auth` was not made by this copy of the package.
 */
export async function testing<S extends Shape>(auth: Latchkey<S>): Promise<Testing<S>> {
  if (!isReplaceable(auth))
    throw new TypeError('testing() takes what latchkey() of the same copy of the package has made');
  let moved: Millis = 0;
  const clock: Clock = {
    now: () => systemClock.now() + moved,
    monotonic: () => systemClock.monotonic() + moved,
  };
  const events: AuthEvent[] = [];
  const onEvent = (event: AuthEvent): void => void events.push(event);
  const system = await auth[replaceSystem]({ store: sqlite(':memory:'), clock, onEvent });
  await system.ready();
  let closed = false;
  const refuseEnded = (): void => {
    // Another `testing` of the same Latchkey closed this one's store: what is written there nobody reads.
    if (closed || auth.config !== system.rooms.config)
      throw new TypeError('this testing() has ended: use the one that was begun last');
  };
  return {
    clock: {
      ...clock,
      advance: async (duration) => {
        refuseEnded();
        moved += parseDuration(duration);
        await settle(system);
      },
    },
    events,
    signIn: async (user) => {
      refuseEnded();
      return await signIn(auth, system, user);
    },
    close: async () => {
      closed = true;
      await system.close();
    },
  };
}

function isReplaceable(auth: object): auth is Replaceable {
  return replaceSystem in auth;
}

/** What timers do within seconds, at once: a clock that jumps gives them no time for it. */
async function settle({ rooms: { activity, tail } }: System): Promise<void> {
  // Without it, a session in use would end by an idle limit that had moved long ago.
  await activity.flush();
  await tail.catchUp();
}

async function signIn<S extends Shape>(
  auth: Latchkey<S>,
  { rooms }: System,
  user: UserToSignIn<S>,
): Promise<SignedInUser<S>> {
  const { fields, ...rest } = user;
  const { cookie, token } = await beginSession(rooms, {
    ...rest,
    ...(fields === undefined ? {} : { fields: { ...fields } }),
  });
  const headers: Readonly<Record<string, string>> = Object.freeze(
    cookie === null
      ? { Authorization: `Bearer ${(await token(null)).reveal()}` }
      : { Cookie: `${rooms.cookie.name}=${cookie.reveal()}`, 'Sec-Fetch-Site': 'same-origin' },
  );
  const principal = await auth.require(new Headers(headers));
  return {
    headers,
    principal,
    token: async (audience) => (await token(audience ?? null)).reveal(),
  };
}
