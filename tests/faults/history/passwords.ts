import type { Millis } from '@latchkey/verify';
import { type Catalogue, listIn } from './catalogue.ts';
import type { Operation } from './history.ts';

/*
 * No password is ever used twice, and each change names the one that it replaces. So
 * a user's passwords are one chain, and each was in force from the change that set
 * it to the change that replaced it. A change took effect at some moment of its own
 * span; so did the sign-in that is judged, which is right if the password was in
 * force at *any* moment of it. Hence:
 *
 * - An old one is wrong only for what *started* after the change was acknowledged,
 *   or after anything that proves it: its successor was accepted.
 * - A refusal is wrong only where the password was in force from before its start
 *   to after its end: known to be before, and no change from it begun by then.
 */

/** What is known of one password. */
export interface PasswordLife {
  /** From when on it surely was in force. */
  readonly from: Millis;
  /** From when on it possibly was replaced. */
  readonly until: Millis;
  /** From when on it surely was replaced. */
  readonly over: Millis;
}

/** Answers what is known of a password, by its name. */
export function passwordsOf({ operations }: Catalogue): (name: string) => PasswordLife {
  const proofs = new Map<string, Operation[]>();
  const changes = new Map<string, Operation[]>();
  for (const operation of operations) {
    const { kind, outcome, password, next } = operation;
    if (outcome === 'ok' && password !== undefined) listIn(proofs, password).push(operation);
    if (outcome === 'ok' && next !== undefined) listIn(proofs, next).push(operation);
    if (outcome !== 'refused' && kind === 'change-password' && password !== undefined)
      listIn(changes, password).push(operation);
  }
  const lives = new Map<string, PasswordLife>();
  const lifeOf = (name: string): PasswordLife => {
    const known = lives.get(name);
    if (known !== undefined) return known;
    const from = earliest((proofs.get(name) ?? []).map(({ end }) => end));
    const replacing = changes.get(name) ?? [];
    const until = earliest(replacing.map(({ start }) => start));
    // Whatever shows a successor in force shows that this one is over.
    const over = earliest(
      replacing.flatMap(({ next = '' }) => {
        const successor = lifeOf(next);
        return [successor.from, successor.over];
      }),
    );
    const life = { from, until, over };
    lives.set(name, life);
    return life;
  };
  return lifeOf;
}

function earliest(moments: readonly (Millis | null)[]): Millis {
  return Math.min(Number.POSITIVE_INFINITY, ...moments.map((moment) => moment ?? Number.POSITIVE_INFINITY));
}
