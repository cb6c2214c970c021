import type { Id } from '@latchkey/verify';
import type { z } from 'zod';
import { failure } from '../../../errors.ts';
import type { Administrator } from '../../../flows/administrator.ts';
import { findId } from '../../../foundation/ids.ts';
import { actingAdministrator, requireAdministrator } from '../../administrator.ts';
import type { Answer, Exchange } from '../../exchange.ts';
import { type Definition, type Route, route } from '../../route.ts';

type Input<Body extends z.ZodRawShape, Query extends z.ZodRawShape> = Parameters<
  Definition<Body, Query>['act']
>[1];

/** Defines a route for administrators alone; `by` is who asks. */
export function adminRoute<Body extends z.ZodRawShape, Query extends z.ZodRawShape>(
  definition: Omit<Definition<Body, Query>, 'tag' | 'signedIn' | 'guard' | 'form' | 'act'> & {
    readonly act: (
      exchange: Exchange,
      input: Input<Body, Query>,
      by: NonNullable<Administrator>,
    ) => Promise<Answer>;
  },
): Route {
  const { act, errors } = definition;
  return route<Body, Query>({
    ...definition,
    tag: 'Administration',
    signedIn: true,
    askers: ['administrator'],
    guard: requireAdministrator,
    errors: ['LK_FORBIDDEN', ...errors],
    act: async (exchange, input) => act(exchange, input, await actingAdministrator(exchange)),
  });
}

/**
 * The id in the path.
 *
 * @throws `LK_NOT_FOUND` where it is none.
 */
export function idInPath<Kind extends string>({ params }: Exchange): Id<Kind> {
  const id = findId<Kind>(params['id'] ?? '');
  if (id === null) throw failure('LK_NOT_FOUND');
  return id;
}

/** An answer that leaves the cookie alone. */
export function answer(body: unknown, status: Answer['status'] = 200): Answer {
  return { status, body, cookie: null };
}
