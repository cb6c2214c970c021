import type { Timestamp } from '@latchkey/verify';
import { z } from 'zod';
import type { Decision } from '../access/access.ts';
import type { ManagedClient } from '../flows/clients.ts';
import type { ManagedSession } from '../flows/list-sessions.ts';
import type { ManagedUser } from '../flows/users.ts';
import type { Followers } from '../revocation/followers.ts';
import type { ReceiptDetails } from '../revocation/receipts.ts';
import { id, receiptShape, rfc3339, time, writeReceipt } from './wire.ts';

/*
 * The shapes of administration: one schema each beside the function that writes it.
 */

const mode = z.enum(['session', 'jwt', 'hybrid']);

export const managedUserShape = z.object({
  id,
  email: z.string(),
  name: z.string().nullable(),
  email_verified: z.boolean(),
  roles: z.array(z.string()),
  created_at: time,
  disabled_at: time.nullable(),
});

/** A user; the fields of the application's schema stay inside. */
export function writeManagedUser(user: ManagedUser): z.infer<typeof managedUserShape> {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    email_verified: user.emailVerified,
    roles: [...user.roles],
    created_at: rfc3339(user.createdAt),
    disabled_at: user.disabledAt === null ? null : rfc3339(user.disabledAt),
  };
}

export const managedSessionShape = z.object({
  id,
  user: z.object({ id, email: z.string() }),
  current: z.boolean().describe('the one that asks'),
  client: z.string(),
  mode,
  created_at: time,
  last_seen_at: time,
  expires_at: time.describe('the absolute limit'),
  ip: z.string().nullable(),
  device: z.string().nullable(),
  acr: z.string().nullable(),
  amr: z.array(z.string()),
});

/** A session of anybody; `current` is the id of the one that asks. */
export function writeManagedSession(
  session: ManagedSession,
  current: string,
): z.infer<typeof managedSessionShape> {
  return {
    id: session.id,
    user: { id: session.user.id, email: session.user.email },
    current: session.id === current,
    client: session.client,
    mode: session.mode,
    created_at: rfc3339(session.createdAt),
    last_seen_at: rfc3339(session.lastSeenAt),
    expires_at: rfc3339(session.expiresAt),
    ip: session.ip,
    device: session.device,
    acr: session.acr,
    amr: [...session.amr],
  };
}

export const managedClientShape = z.object({
  name: z.string(),
  kind: z.enum(['configured', 'service']).describe('a service has a key; people sign in through the others'),
  mode: mode.nullable().describe('null for a service, and for one that is configured no longer'),
  audiences: z.array(z.string()).describe('whom a service answers for'),
  created_at: time.nullable().describe('of a service'),
  rotated_at: time.nullable().describe('when a service got its key, where that is not its first'),
  disabled_at: time.nullable(),
});

/** A key, in the one answer that shows it. */
export const clientKeyShape = z.string().describe('shown once: nobody can read it again');

/** A client. */
export function writeManagedClient(client: ManagedClient): z.infer<typeof managedClientShape> {
  const { name, kind, audiences, createdAt, rotatedAt, disabledAt } = client;
  const timeOrNull = (at: Timestamp | null): string | null => (at === null ? null : rfc3339(at));
  return {
    name,
    kind,
    mode: client.mode,
    audiences: [...audiences],
    created_at: timeOrNull(createdAt),
    rotated_at: timeOrNull(rotatedAt),
    disabled_at: timeOrNull(disabledAt),
  };
}

const administratorsFields = {
  seq: z.int().describe('its position in the log'),
  epoch: z.string(),
  names: z
    .object({ confirmed: z.array(z.string()), pending: z.array(z.string()) })
    .describe('names of the followers that are counted'),
};

/** A receipt as administrators see it. */
export const receiptDetailsShape = receiptShape.extend(administratorsFields);

/** A receipt for whoever may read it, with what only administrators see. */
export const anyReceiptShape = receiptShape.extend(z.object(administratorsFields).partial().shape);

/** A receipt for an administrator. */
export function writeReceiptDetails(receipt: ReceiptDetails): z.infer<typeof receiptDetailsShape> {
  const { seq, epoch, names } = receipt;
  return {
    ...writeReceipt(receipt),
    seq,
    epoch,
    names: { confirmed: [...names.confirmed], pending: [...names.pending] },
  };
}

export const followersShape = z.object({
  epoch: z.string(),
  head: z.int().describe('the position of the last entry'),
  items: z.array(
    z.object({
      id,
      name: z.string().describe('of a service: its client, as often as it has processes'),
      kind: z.enum(['node', 'service']).describe('whether it reads the store, or is told by nodes'),
      registered_at: time,
      cursor: z.int().describe('up to where it has confirmed'),
      behind: z.int().describe('positions to the head'),
      lag_ms: z.int().describe('since its copy was whole, or for another process, since it was heard of'),
      fresh: z.boolean(),
      accepts_until_expiry: z.boolean().describe('whatever it cannot know of, by its own choice'),
      self: z.boolean().describe('the process that answers'),
    }),
  ),
});

/** Who follows the log. */
export function writeFollowers({ epoch, head, items }: Followers): z.infer<typeof followersShape> {
  return {
    epoch,
    head,
    items: items.map((follower) => ({
      id: follower.id,
      name: follower.name,
      kind: follower.kind,
      registered_at: rfc3339(follower.registeredAt),
      cursor: follower.cursor,
      behind: follower.behind,
      lag_ms: follower.lag,
      fresh: follower.fresh,
      accepts_until_expiry: follower.acceptsUntilExpiry,
      self: follower.self,
    })),
  };
}

export const decisionShape = z.object({
  allowed: z.boolean(),
  because: z
    .array(z.object({ rule: z.string(), matched: z.boolean(), missing: z.array(z.string()) }))
    .describe('each rule of the permission, and what it asks for and did not find'),
  step_up: z
    .object({ acr: z.string().nullable(), max_age: z.int().nullable() })
    .nullable()
    .describe('what the user would have to prove for it to be allowed'),
});

/** A decision with its reasons. */
export function writeDecision({ allowed, because, stepUp }: Decision): z.infer<typeof decisionShape> {
  return {
    allowed,
    because: because.map(({ rule, matched, missing }) => ({ rule, matched, missing: [...missing] })),
    step_up: stepUp === null ? null : { acr: stepUp.acr, max_age: stepUp.maxAge },
  };
}

/** A page of a list. */
export function listShape<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}
