import type { Id } from '@latchkey/verify';
import { z } from 'zod';
import { invalid } from '../errors.ts';
import { findId } from '../foundation/ids.ts';

/** What the query of every list says of its page. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'is not a number')
    .optional()
    .describe('50; 200 at most'),
  cursor: z.string().optional().describe('`next_cursor` of the page before'),
};

/**
 * Reads which page is wanted.
 *
 * @throws `LK_REQUEST_INVALID`.
 */
export function readPage<Kind extends string>(query: {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}): { readonly limit: number; readonly after: Id<Kind> | null } {
  const limit = Number(query.limit ?? 50);
  if (limit < 1 || limit > 200) throw invalid('limit', 'must be from 1 to 200');
  const after = query.cursor === undefined ? null : findId<Kind>(query.cursor);
  if (query.cursor !== undefined && after === null) throw invalid('cursor', 'is not one of ours');
  return { limit, after };
}
