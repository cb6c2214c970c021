import type { Millis } from '@latchkey/verify';
import { type Catalogue, latest, successorIn } from './catalogue.ts';
import type { Operation } from './history.ts';

/*
 * A step-up replaces a cookie, a refresh a refresh token. Of overlapping ones the
 * order is not known; what is known is that each took effect between its start and
 * its end. So "surely replaced" counts from the *end* of an acknowledged
 * replacement, and "possibly replaced" from the *start* of one that was
 * acknowledged or got no answer.
 */

/** R10, R11: how long what was replaced is still answered. */
const GRACE: Millis = 10_000;
/** Nodes count the grace by the wall clock and in whole milliseconds, the history by a monotonic one. */
const SLACK: Millis = 50;

/**
 * Whether what is presented was surely not replaced, or so shortly before that it
 * is answered all the same, if only its session lives.
 *
 * A second replacement ends the grace of a cookie at once. That of a refresh token
 * cannot: a generation is not replaced before it is as old as the grace.
 */
export function isSurelyHonoured(catalogue: Catalogue, operation: Operation): boolean {
  const { presents = '', kind } = operation;
  const before = latest(catalogue, operation);
  const replacing = (name: string): readonly Operation[] =>
    (catalogue.replacements.get(name) ?? []).filter((other) => other !== operation && other.start < before);
  const replacements = replacing(presents);
  if (replacements.length === 0) return true;
  if (before >= Math.min(...replacements.map(({ start }) => start)) + GRACE - SLACK) return false;
  if (kind === 'refresh') return true;
  // R11: the secret before is good for safe requests alone.
  if (kind !== 'check') return false;
  return replacements.every((other) => {
    const successor = successorIn(other, 'cookie');
    return successor === null || replacing(successor).length === 0;
  });
}

/**
 * From when on what is presented must be refused because it was replaced. A request
 * that reads the row is never behind; a check on another node than the one that
 * replaced it may be by the bound.
 */
export function replacedFrom(catalogue: Catalogue, operation: Operation): Millis {
  const { presents = '', kind, node } = operation;
  const heardOf = (other: Operation): Millis => (other.node === node ? 0 : catalogue.bound);
  const afterOne = (other: Operation): Millis => {
    if (kind === 'check') return Math.max(GRACE + SLACK, catalogue.bound);
    if (kind === 'refresh') return GRACE + SLACK;
    return kind === 'end-session' || kind === 'end-others' || kind === 'end-all' ? heardOf(other) : 0;
  };
  const sure = (name: string): readonly Operation[] =>
    (catalogue.replacements.get(name) ?? []).filter((other) => other !== operation && other.outcome === 'ok');
  const moments: Millis[] = [];
  for (const once of sure(presents)) {
    moments.push((once.end ?? Number.POSITIVE_INFINITY) + afterOne(once));
    const successor = successorIn(once, kind === 'refresh' ? 'refresh' : 'cookie');
    if (successor === null || (kind !== 'check' && kind !== 'refresh')) continue;
    for (const twice of sure(successor))
      moments.push((twice.end ?? Number.POSITIVE_INFINITY) + (kind === 'check' ? heardOf(twice) : 0));
  }
  return Math.min(Number.POSITIVE_INFINITY, ...moments);
}
