import { z } from 'zod';
import type { KeyRotation } from '../tokens/key-turns.ts';
import type { ListedKey } from '../tokens/signing-keys.ts';
import { rfc3339, time } from './wire.ts';

const kid = z.string().describe('RFC 7638 thumbprint');
const algorithm = z.enum(['EdDSA', 'ES256']);

export const keysShape = z.object({
  items: z.array(
    z.object({
      kid,
      algorithm,
      state: z
        .enum(['next', 'current', 'retired'])
        .describe('`next` is published and does not sign yet; `retired` signs no more and still verifies'),
      created_at: time,
      activates_at: time.nullable().describe('from when on it signs; null while nobody has said when'),
      used_at: time.describe('when a process last said that it signs with it, or will'),
    }),
  ),
  next_cursor: z.null().describe('there is one page'),
});

export const keyRotationShape = z.object({
  kid: kid.describe('the key that takes over'),
  algorithm,
  activates_at: time.describe('from when on it signs; a moment that has passed means at once'),
});

/** Signing keys, without anything that signs. */
export function writeKeys(keys: readonly ListedKey[]): z.infer<typeof keysShape> {
  const items = keys.map((key) => ({
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    created_at: rfc3339(key.createdAt),
    activates_at: key.activatesAt === null ? null : rfc3339(key.activatesAt),
    used_at: rfc3339(key.usedAt),
  }));
  return { items, next_cursor: null };
}

/** Which key takes over, and when. */
export function writeKeyRotation(rotation: KeyRotation): z.infer<typeof keyRotationShape> {
  return {
    kid: rotation.kid,
    algorithm: rotation.algorithm,
    activates_at: rfc3339(rotation.activatesAt),
  };
}
