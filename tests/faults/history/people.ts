import type { Millis } from '@latchkey/verify';
import type { Credential } from './history.ts';
import { type Answer, type HeldCredential, recordOf } from './recorder.ts';

/** Clients, by the mode that they are of. */
export const CLIENTS = { session: 'web', hybrid: 'spa', jwt: 'mobile' } as const;
export type Mode = keyof typeof CLIENTS;

/** A session that somebody began, with every credential that it was given. */
export interface HeldSession {
  readonly name: string;
  readonly id: string;
  readonly person: Person;
  readonly mode: Mode;
  /** Oldest first. */
  readonly credentials: HeldCredential[];
  /** Since when it is thought to be over, or `null`. What is so is for the checker to find. */
  overSince: Millis | null;
}

/** A user, and what all who act as this user know in common. */
export interface Person {
  readonly name: string;
  readonly email: string;
  id: string;
  /** How many passwords there were. */
  passwords: number;
  /** Names of those that may be in force. */
  likely: string[];
  sessions: HeldSession[];
  /** Ends whose receipts can be asked for. */
  receipts: { readonly of: string; readonly id: string }[];
}

/** The text of a password of that name. */
export function passwordText(name: string): string {
  return `lantern orchid gravel ${name.replace('/', ' ')} under the bridge`;
}

/** The people of a run, and the names under which their things are recorded. */
export class People {
  readonly all: readonly Person[];
  readonly #sessions = new Map<string, HeldSession>();
  readonly #credentials = new Map<string, HeldCredential>();
  readonly #counts = new Map<string, number>();

  constructor(names: readonly string[]) {
    this.all = names.map((name) => ({
      name,
      email: `${name}@example.com`,
      id: '',
      passwords: 0,
      likely: [],
      sessions: [],
      receipts: [],
    }));
  }

  /** Whose an id is, and which session; what is not known has its id for a name. */
  subject(user: unknown, session: unknown): { readonly user: string; readonly session: string } {
    const person = this.all.find(({ id }) => id === user);
    return {
      user: person?.name ?? String(user),
      session: this.#sessions.get(String(session))?.name ?? String(session),
    };
  }

  /** The session of a sign-in's answer. */
  begin(person: Person, mode: Mode, id: string): HeldSession {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const name = this.#next(person.name);
    const session: HeldSession = { name, id, person, mode, credentials: [], overSince: null };
    this.#sessions.set(id, session);
    person.sessions.push(session);
    return session;
  }

  /** Adds what an answer handed out to what a session holds; answers it as it is recorded. */
  take(session: HeldSession, { body, cookie }: Answer): readonly Credential[] {
    const { access_token: token, refresh_token: refresh, expires_in: seconds } = body;
    const texts: (readonly [Credential['kind'], string])[] = [];
    // An answer that takes the cookie away hands out none.
    if (cookie?.includes('=lkc_') === true) texts.push(['cookie', cookie]);
    if (typeof token === 'string') texts.push(['token', token]);
    if (typeof refresh === 'string') texts.push(['refresh', refresh]);
    return texts.map(([kind, text]) => {
      const known = this.#credentials.get(text);
      if (known !== undefined) return withoutText(known);
      const credential: HeldCredential = {
        name: this.#next(`${session.name}.${kind}`),
        kind,
        text,
        since: performance.now(),
        user: session.person.name,
        session: session.name,
        // A second less, as tokens count in whole ones.
        ...(kind === 'token' ? { life: (Number(seconds) - 1) * 1_000 } : {}),
      };
      this.#credentials.set(text, credential);
      session.credentials.push(credential);
      return withoutText(credential);
    });
  }

  /** Lets go of sessions that ended before `before`. */
  forget(before: Millis): void {
    for (const person of this.all) {
      person.sessions = person.sessions.filter(({ overSince }) => overSince === null || overSince > before);
    }
  }

  #next(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return `${name}-${count}`;
  }
}

function withoutText({ name, kind, user, session, life }: HeldCredential): Credential {
  return { name, kind, user, session, ...(life === undefined ? {} : { life }) };
}

/** For whom an access token says that it is. */
export function claimsOf(token: unknown): Readonly<Record<string, unknown>> {
  const payload = String(token).split('.')[1] ?? '';
  return recordOf(JSON.parse(Buffer.from(payload, 'base64url').toString()));
}
