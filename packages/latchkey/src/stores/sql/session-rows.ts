import type { Amr } from '@latchkey/verify';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { RefreshChain, SessionRecord } from '../records.ts';
import type { SessionTable } from './schema.ts';

/** A row of `session`, as a type alias: an interface is not taken for a record of values. */
export type SessionRow = { [Column in keyof SessionTable]: SessionTable[Column] };

/** The row of a session. */
export function rowFromSession(session: SessionRecord): SessionRow {
  return {
    id: idBytes(session.id),
    user_id: session.userId === null ? null : idBytes(session.userId),
    client: session.client,
    client_subject: idBytes(session.clientSubject),
    rs: session.rs,
    secret_hash: session.secretHash,
    previous_secret_hash: session.previousSecretHash,
    rotated_at: session.rotatedAt,
    previous_auth_time: session.previousAuthTime,
    created_at: session.createdAt,
    idle_until: session.idleUntil,
    expires_at: session.expiresAt,
    revoked_seq: session.revokedSeq,
    auth_time: session.authTime,
    acr: session.acr,
    amr: amrToText(session.amr),
    ip: session.ip,
    device: session.device,
    chain_nonce: session.chain?.nonce ?? null,
    generation: session.chain?.generation ?? null,
    generation_at: session.chain?.generationAt ?? null,
    chain_key: session.chain?.key ?? null,
    chain_origin: session.chain?.origin ?? null,
    shared_run: session.chain?.sharedRun ?? null,
    shared_generation: session.chain?.sharedGeneration ?? null,
  };
}

/** The record that a row of `session` holds. */
export function sessionFromRow(row: SessionTable): SessionRecord {
  return {
    id: idFromBytes(row.id),
    userId: row.user_id === null ? null : idFromBytes(row.user_id),
    client: row.client,
    clientSubject: idFromBytes(row.client_subject),
    rs: row.rs,
    secretHash: row.secret_hash,
    previousSecretHash: row.previous_secret_hash,
    rotatedAt: row.rotated_at,
    previousAuthTime: row.previous_auth_time,
    createdAt: row.created_at,
    idleUntil: row.idle_until,
    expiresAt: row.expires_at,
    revokedSeq: row.revoked_seq,
    authTime: row.auth_time,
    acr: row.acr,
    amr: amrFromText(row.amr),
    ip: row.ip,
    device: row.device,
    chain: chainFromRow(row),
  };
}

/** `null` unless all of it is there. */
function chainFromRow(row: SessionTable): RefreshChain | null {
  const { chain_nonce: nonce, generation, generation_at: generationAt } = row;
  const { chain_key: key, chain_origin: origin, shared_run: sharedRun } = row;
  if (nonce === null || generation === null || generationAt === null) return null;
  if (key === null || origin === null || sharedRun === null) return null;
  const { shared_generation: sharedGeneration } = row;
  return { nonce, generation, generationAt, key, origin, sharedRun, sharedGeneration };
}

/** How `amr` stands in its column: a JSON array. */
export function amrToText(amr: readonly Amr[]): string {
  return JSON.stringify(amr);
}

/** Leaves out what a newer build may have written and this one does not know. */
function amrFromText(text: string): readonly Amr[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.filter((method): method is Amr => method === 'pwd') : [];
}
