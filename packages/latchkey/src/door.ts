import type { Id } from '@latchkey/verify';
import { failure } from './errors.ts';
import { findId } from './foundation/ids.ts';
import { toBeAnswered } from './http/problem.ts';
import type { System } from './system.ts';

/**
 * Runs work on the open system. Every door of the library leads through it: what fails
 * inside says how it is to be answered, where a handler of an application lets it pass.
 */
export type Door = <T>(work: (system: System) => Promise<T> | T) => Promise<T>;

/** Makes the door of a system that its first use opens. */
export function doorOf(current: () => System): Door {
  return async (work) => {
    try {
      const system = current();
      await system.ready();
      return await work(system);
    } catch (error) {
      throw toBeAnswered(error);
    }
  };
}

/**
 * The id that a text spells.
 *
 * @throws `LK_NOT_FOUND` where it spells none: nothing has it.
 */
export function idOf<Kind extends string>(text: string): Id<Kind> {
  const id = findId<Kind>(text);
  if (id === null) throw failure('LK_NOT_FOUND');
  return id;
}

/** Which page of a list. */
export interface PageOptions {
  /** How many at most: 50, and never more than 200. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/** A page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The cursor of the next page; `null` where this is the last. */
  readonly next: string | null;
}

/**
 * Reads which page is wanted.
 *
 * @throws {TypeError} for a limit or a cursor that is none: the application makes them, or hands on what it was given.
 */
export function pageOf<Kind extends string>({
  limit = 50,
  cursor,
}: PageOptions): {
  readonly limit: number;
  readonly after: Id<Kind> | null;
} {
  if (!Number.isInteger(limit) || limit < 1 || limit > 200)
    throw new TypeError('limit must be a whole number from 1 to 200');
  const after = cursor === undefined ? null : findId<Kind>(cursor);
  if (cursor !== undefined && after === null) throw new TypeError('cursor must be the next of a page');
  return { limit, after };
}
