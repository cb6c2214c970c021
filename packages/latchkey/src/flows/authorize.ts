import {
  digestOf,
  type Facts,
  type Millis,
  momentOf,
  NearCache,
  type Position,
  type Principal,
  type PrincipalUser,
  type Seconds,
  type Terms,
  type UserPrincipal,
} from '@latchkey/verify';
import type { Decision, Subject } from '../access/access.ts';
import { failure } from '../errors.ts';
import type { Rooms } from './rooms.ts';
import { userOf } from './who.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'access' | 'emit'>;

const LIFE: Millis = 60_000;

/** Answers "can they access this resource?". Nothing is allowed that the configuration does not say. */
export class Authorizer {
  readonly #rooms: Uses;
  /** What rules ask about a user that a token does not say. */
  readonly #users: NearCache<PrincipalUser, Terms>;
  readonly #terms: Terms;

  constructor(rooms: Uses) {
    this.#rooms = rooms;
    const { clock, tail, config } = rooms;
    this.#users = new NearCache({ clock, tail, entries: config.nearCacheEntries, factsOf });
    this.#terms = { life: Math.min(LIFE, config.nearCacheLife) };
  }

  /** Whether the principal may; `null` is the anonymous. */
  async can(principal: Principal | null, permission: string, resource: unknown): Promise<boolean> {
    const subject = await this.#subjectOf(principal);
    return this.#rooms.access.allows(subject, permission, resource, this.#rooms.clock.now());
  }

  /** The decision with its reasons: to be read, never to be put into an `if`. */
  async explain(principal: Principal | null, permission: string, resource: unknown): Promise<Decision> {
    const subject = await this.#subjectOf(principal);
    return this.#rooms.access.decide(subject, permission, resource, this.#rooms.clock.now());
  }

  /**
   * Returns where the principal may.
   *
   * @throws `LK_UNAUTHENTICATED` for the anonymous; `LK_STEP_UP_REQUIRED` where proving
   *   again would do; else `LK_FORBIDDEN`.
   */
  async authorize(principal: Principal | null, permission: string, resource: unknown): Promise<void> {
    const { access, clock, emit } = this.#rooms;
    const subject = await this.#subjectOf(principal);
    const now = clock.now();
    // Reasons are for those who may not: most may.
    if (access.allows(subject, permission, resource, now)) return;
    const { stepUp } = access.decide(subject, permission, resource, now);
    const code =
      principal === null ? 'LK_UNAUTHENTICATED' : stepUp === null ? 'LK_FORBIDDEN' : 'LK_STEP_UP_REQUIRED';
    emit({
      type: 'access_denied',
      code,
      permission,
      ...(principal?.kind === 'user' ? { user: principal.id, session: principal.session.id } : {}),
      ...(principal?.kind === 'client' ? { client: principal.client } : {}),
    });
    if (principal === null) throw failure('LK_UNAUTHENTICATED');
    if (stepUp === null) throw failure('LK_FORBIDDEN', { permission });
    throw failure('LK_STEP_UP_REQUIRED', { acr: stepUp.acr, maxAge: stepUp.maxAge satisfies Seconds | null });
  }

  async #subjectOf(principal: Principal | null): Promise<Subject | null> {
    // Rules speak of users: a service has no role, so it may what everybody may.
    if (principal === null || principal.kind === 'client') return null;
    const { id, acr, authTime } = principal;
    const { roles, fields } = principal.user ?? (await this.#userOf(principal));
    return { id, roles, fields, acr, authTime };
  }

  /** A token says who, and the store what they are: remembered like a credential, and judged by the log like one. */
  async #userOf(principal: UserPrincipal): Promise<PrincipalUser> {
    const key = digestOf(principal.id);
    const hit = this.#users.find(key);
    if (hit !== null) return hit.answer;
    const { store, clock } = this.#rooms;
    const readAt = momentOf(clock);
    const reading = await store.users.read(principal.id);
    if (reading === null || reading.user.disabledAt !== null) throw failure('LK_UNAUTHENTICATED');
    const answer = await userOf(this.#rooms, reading.user, reading.roles);
    const remembered = { answer, terms: this.#terms, goodUntil: Number.POSITIVE_INFINITY };
    this.#users.fill(key, remembered, { rs: reading.head, readAt });
    return answer;
  }
}

/** Of no session and no client: what is remembered is of the user, whatever they ask with. */
function factsOf({ id }: PrincipalUser, _: Terms, rs: Position): Facts {
  return { rs, session: null, user: id, client: '', signingKey: null };
}
