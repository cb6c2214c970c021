import type { PrincipalSession, PrincipalUser, Timestamp } from '@latchkey/verify';
import { z } from 'zod';
import type { IssuedToken } from '../flows/issue.ts';
import type { Person } from '../flows/person.ts';
import type { SignedIn } from '../flows/sign-in.ts';
import type { ReceiptState } from '../revocation/receipts.ts';

/*
 * The shapes of HTTP: one schema each, from which the OpenAPI document is made,
 * beside the function that writes it.
 */

/** A point in time. */
export const time = z.iso.datetime().describe('RFC 3339, UTC');
/** An id of ours. */
export const id = z.string().length(22).describe('16 bytes as base64url');

/** Writes a point in time. */
export function rfc3339(at: Timestamp): string {
  return new Date(at).toISOString();
}

const userShape = z.object({
  id,
  email: z.string(),
  name: z.string().nullable(),
  email_verified: z.boolean(),
  roles: z.array(z.string()),
});

const sessionShape = z.object({
  id,
  client: z.string(),
  mode: z.enum(['session', 'jwt', 'hybrid']),
  created_at: time,
  expires_at: time.describe('the absolute limit'),
});

export const principalShape = z.object({
  kind: z.enum(['user']),
  id,
  user: userShape,
  session: sessionShape,
  claims: z.record(z.string(), z.unknown()),
  via: z.enum(['cookie', 'token']),
  acr: z.enum(['aal1', 'aal2', 'aal3']).describe('NIST SP 800-63B-4 §2'),
  amr: z.array(z.string()).describe('RFC 8176'),
  auth_time: time,
});

const tokenFields = {
  access_token: z.string().describe('RFC 9068'),
  token_type: z.literal('Bearer'),
  expires_in: z.int().describe('seconds'),
};

export const tokenShape = z.object({
  ...tokenFields,
  refresh_token: z.string().optional().describe('where one was exchanged'),
});

export const signedInShape = z.object({
  user: userShape,
  session: sessionShape,
  access_token: z.string().optional().describe('RFC 9068; for clients of modes jwt and hybrid'),
  token_type: z.literal('Bearer').optional(),
  expires_in: z.int().optional().describe('seconds'),
  refresh_token: z.string().optional().describe('for clients of mode jwt'),
});

export const receiptShape = z.object({
  id,
  at: time.describe('when the revocation was durable'),
  deadline: time.describe(
    'from here on no one who follows the log accepts what was revoked, but for those who accept until expiry',
  ),
  settled: z
    .boolean()
    .describe('all followers have confirmed, or can accept it no more: the deadline has passed'),
  followers: z.object({
    confirmed: z.int(),
    pending: z.int(),
    until_expiry: z
      .int()
      .optional()
      .describe(
        'of those pending, who accept until expiry what they cannot know of, for whom `tokens_dead_by` is the deadline; left out where none does',
      ),
  }),
  tokens_dead_by: time.describe('from here on nobody accepts it, those included who only read an expiry'),
});

const listedSessionShape = z.object({
  id,
  current: z.boolean(),
  client: z.string(),
  mode: z.enum(['session', 'jwt', 'hybrid']),
  created_at: time,
  last_seen_at: time,
  ip: z.string().nullable(),
  device: z.string().nullable(),
  acr: z.string().nullable(),
  amr: z.array(z.string()),
});

export const sessionsShape = z.object({
  items: z.array(listedSessionShape),
  next_cursor: z.string().nullable(),
});

export const problemShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
  reason: z.string().optional(),
  acr: z.string().optional(),
  max_age: z.int().optional(),
  request_id: z.string(),
});

/** A principal as `GET /auth/me` answers it. */
export function writePrincipal({ principal, user, session }: Person): z.infer<typeof principalShape> {
  return {
    kind: principal.kind,
    id: principal.id,
    user: writeUser(user),
    session: writeSession(session),
    claims: principal.claims,
    via: principal.via,
    acr: principal.acr,
    amr: [...principal.amr],
    auth_time: rfc3339(principal.authTime),
  };
}

/** What a sign-in answers, by the mode of its client. */
export function writeSignedIn(signedIn: SignedIn): z.infer<typeof signedInShape> {
  const { user, session, token, refreshToken } = signedIn;
  return {
    user: writeUser(user),
    session: writeSession(session),
    ...(token === null ? {} : writeToken(token)),
    ...(refreshToken === null ? {} : { refresh_token: refreshToken.reveal() }),
  };
}

/** An access token for its owner (RFC 6749 §5.1). */
export function writeToken({ accessToken, expiresIn }: IssuedToken): z.infer<typeof tokenShape> {
  return { access_token: accessToken.reveal(), token_type: 'Bearer', expires_in: expiresIn };
}

/** The fields of the application's schema stay inside: it may not mean them for everyone's eyes. */
function writeUser(user: PrincipalUser): z.infer<typeof userShape> {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    email_verified: user.emailVerified,
    roles: [...user.roles],
  };
}

function writeSession(session: PrincipalSession): z.infer<typeof sessionShape> {
  return {
    id: session.id,
    client: session.client,
    mode: session.mode,
    created_at: rfc3339(session.createdAt),
    expires_at: rfc3339(session.expiresAt ?? session.createdAt),
  };
}

/** A receipt: counts only. */
export function writeReceipt(receipt: ReceiptState): z.infer<typeof receiptShape> {
  const { confirmed, pending, untilExpiry } = receipt.followers;
  return {
    id: receipt.id,
    at: rfc3339(receipt.at),
    deadline: rfc3339(receipt.deadline),
    settled: receipt.settled,
    followers: { confirmed, pending, ...(untilExpiry === undefined ? {} : { until_expiry: untilExpiry }) },
    tokens_dead_by: rfc3339(receipt.tokensDeadBy),
  };
}
