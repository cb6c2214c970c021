import { systemClock } from '@latchkey/verify';
import { sqlite } from 'latchkey';
import { newId } from '../packages/latchkey/src/foundation/ids.ts';
import { compose } from '../packages/latchkey/src/system.ts';
import { type AccessTokenContent, issueAccessToken } from '../packages/latchkey/src/tokens/access-token.ts';
import type { SigningKey } from '../packages/latchkey/src/tokens/signing-key.ts';
import { newRootSecret } from './seed.ts';

/** 32 characters, as the aim has it. */
const ISSUER = 'https://auth.production.acme.com';
/** What a default token should have at most. */
export const MOST_BYTES = 540;

/** A default token by its parts: EdDSA, one audience, no claims of its own. */
export interface TokenSize {
  /** Bytes of the whole, which are characters too. */
  readonly total: number;
  readonly header: number;
  readonly payload: number;
  readonly signature: number;
  /** Bytes by which the token would be shorter without each claim, and the claim as JSON. */
  readonly claims: readonly { readonly name: string; readonly json: string; readonly bytes: number }[];
  /** The whole for the audience `api` instead of the issuer. */
  readonly shortAudience: number;
}

/** Weighs the default token. */
export async function measureTokenSize(): Promise<TokenSize> {
  const system = compose(
    { url: ISSUER, secret: newRootSecret(), store: sqlite(':memory:'), clients: { mobile: 'jwt' } },
    systemClock,
  );
  await system.ready();
  const key = system.rooms.signingKeys.current;
  await system.close();
  const text = tokenFor(key, ISSUER);
  const [header = '', payload = '', signature = ''] = text.split('.');
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  if (typeof claims !== 'object' || claims === null) throw new TypeError('a payload is an object');
  const all = Object.entries(claims);
  const encoded = (members: readonly [string, unknown][]): number =>
    Buffer.from(JSON.stringify(Object.fromEntries(members))).toString('base64url').length;
  return {
    total: text.length,
    header: header.length,
    payload: payload.length,
    signature: signature.length,
    claims: all.map(([name, value]) => ({
      name,
      json: `${JSON.stringify(name)}:${JSON.stringify(value)}`,
      bytes: encoded(all) - encoded(all.filter(([other]) => other !== name)),
    })),
    shortAudience: tokenFor(key, 'api').length,
  };
}

function tokenFor(key: SigningKey, audience: string): string {
  const now = systemClock.now();
  const content: AccessTokenContent = {
    issuer: ISSUER,
    audience,
    subject: newId<'user'>(now),
    session: newId<'session'>(now),
    client: 'mobile',
    issuedAt: now,
    expiresAt: now + 300_000,
    acr: 'aal1',
    amr: ['pwd'],
    authTime: now,
    // As a log that has been in use for a while says it.
    // As large as positions are: an epoch begins at its seconds times 2^20.
    rs: 1_882_657_378_009_140,
    claims: {},
  };
  return issueAccessToken(key, content).reveal();
}
