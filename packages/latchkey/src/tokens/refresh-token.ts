import { createHmac } from 'node:crypto';
import type { SessionId } from '@latchkey/verify';
import { idBytes, idFromBytes } from '../foundation/ids.ts';
import { findRootKey, type RootKey, type RootSecret } from '../foundation/root-secret.ts';
import { equalDigests, Secret } from '../foundation/secret.ts';
import type { RefreshChain } from '../stores/records.ts';

/** By which scanners find a refresh token that has leaked. */
const PREFIX = 'lkr_';
const ID_BYTES = 16;
const GENERATION_BYTES = 4;
/** A root key's id: 12 characters of base64url. */
const KEY_BYTES = 9;
/** 61 bytes are 82 characters, of which the last carries two bits. */
const FORM = /^lkr_([A-Za-z0-9_-]{81}[AQgw])$/;

/** What a refresh token says. Nothing of it may be believed before `isGenuine`. */
export interface RefreshToken {
  readonly session: SessionId;
  readonly generation: number;
  /** The root key that it was made with. */
  readonly key: string;
  readonly mac: Uint8Array;
}

/**
 * The refresh token of a generation: session, generation and root key, with a MAC
 * over them and the chain's nonce. It is the same whoever computes it and whenever,
 * so that tabs that refresh together, retries and crashes all get the same bytes,
 * and nothing that could be presented is stored.
 *
 * @throws {TypeError} where the root key is not in the ring.
 */
export function refreshToken(
  rootSecret: RootSecret,
  session: SessionId,
  chain: Pick<RefreshChain, 'nonce' | 'generation' | 'key'>,
): Secret {
  const key = findRootKey(rootSecret, chain.key);
  if (key === null) throw new TypeError(`the root secret ${chain.key} is not in the ring`);
  const said = saidBytes(session, chain.generation, chain.key);
  const bytes = Buffer.concat([said, macOf(key, said, chain.nonce)]);
  return new Secret(`${PREFIX}${bytes.toString('base64url')}`);
}

/** Reads a refresh token's text; `null` for anything but the one spelling that we issue. */
export function parseRefreshToken(text: string): RefreshToken | null {
  const encoded = FORM.exec(text)?.[1];
  if (encoded === undefined) return null;
  const bytes = Buffer.from(encoded, 'base64url');
  const keyAt = ID_BYTES + GENERATION_BYTES;
  return {
    session: idFromBytes(bytes.subarray(0, ID_BYTES)),
    generation: bytes.readUInt32BE(ID_BYTES),
    key: bytes.subarray(keyAt, keyAt + KEY_BYTES).toString('base64url'),
    mac: bytes.subarray(keyAt + KEY_BYTES),
  };
}

/** Whether a text is meant as a refresh token, whatever it is worth. */
export function looksLikeRefreshToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Whether the token is one that was issued in this chain, of whatever generation. In constant time. */
export function isGenuine(
  rootSecret: RootSecret,
  token: RefreshToken,
  chain: Pick<RefreshChain, 'nonce'>,
): boolean {
  const key = findRootKey(rootSecret, token.key);
  if (key === null) return false;
  const said = saidBytes(token.session, token.generation, token.key);
  return equalDigests(macOf(key, said, chain.nonce), token.mac);
}

function saidBytes(session: SessionId, generation: number, key: string): Buffer {
  const said = Buffer.alloc(ID_BYTES + GENERATION_BYTES + KEY_BYTES);
  idBytes(session).copy(said);
  said.writeUInt32BE(generation, ID_BYTES);
  Buffer.from(key, 'base64url').copy(said, ID_BYTES + GENERATION_BYTES);
  return said;
}

/** Every part has one length, so no two inputs run together. */
function macOf(key: RootKey, said: Buffer, nonce: Uint8Array): Buffer {
  return createHmac('sha256', key.derive('refresh-chain/v1')).update(said).update(nonce).digest();
}
