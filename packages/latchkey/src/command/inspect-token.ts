import { type JsonRefusal, JsonRefused, parseStrictJson, type Timestamp } from '@latchkey/verify';
import { judgeClaims, judgeSensitive } from './inspect-claims.ts';
import { bySeverity, type Finding, finding, isMembers, type Members } from './inspect-findings.ts';
import { judgeEncryption, judgeHeader, judgeSignature } from './inspect-header.ts';
import { hasWeakSecret } from './inspect-secrets.ts';
import { count } from './inspect-text.ts';

/** What a token is, and what is wrong with it. */
export interface Inspection {
  readonly kind: 'signed' | 'encrypted' | 'unknown';
  /** Length of the token in bytes. */
  readonly bytes: number;
  readonly header: Members | null;
  readonly claims: Members | null;
  /** The worst first. */
  readonly findings: readonly Finding[];
}

const LARGE = 1_024;

/** Servers refuse headers from here on, and so does Latchkey. */
const TOO_LARGE = 4_096;

/** Members of a header that hold keys and certificates, about which there are findings of their own. */
const KEYS_OF_HEADER: ReadonlySet<string> = new Set(['jwk', 'x5c', 'epk', 'iv', 'tag', 'p2s']);
const NONE: ReadonlySet<string> = new Set();

/**
 * Takes a token apart and says what is wrong with it, without a key and without
 * asking anyone: no signature is verified. Reads on as far as it can after each
 * fault, where a verifier would have stopped.
 *
 * @param text one token, with or without `Bearer` before it
 */
export function inspectToken(text: string, now: Timestamp): Inspection {
  const given = text.trim().replace(/^(?:authorization:\s*)?bearer\s+/i, '');
  const token = given.replace(/\s+/g, '');
  const bytes = Buffer.byteLength(token);
  const findings: Finding[] = [];
  if (token !== given) findings.push(finding('encoding', 'has spaces or line breaks inside'));
  if (bytes > TOO_LARGE)
    findings.push(
      finding('size-too-large', `has ${count(bytes, 'byte')}, and servers refuse more than ${TOO_LARGE}`),
    );
  else if (bytes > LARGE)
    findings.push(finding('size-large', `has ${count(bytes, 'byte')}, and each request carries them`));
  const parts = token.split('.');
  const read = parts.length === 3 ? readSigned : parts.length === 5 ? readEncrypted : readUnknown;
  const inspection = read(parts, token, now);
  return { ...inspection, bytes, findings: bySeverity([...findings, ...inspection.findings]) };
}

type Read = Omit<Inspection, 'bytes'>;

function readUnknown(parts: readonly string[], token: string): Read {
  return {
    kind: 'unknown',
    header: null,
    claims: null,
    findings: [finding('not-a-jwt', whatItIs(parts, token))],
  };
}

/** What people hand in by mistake. */
function whatItIs(parts: readonly string[], token: string): string {
  if (token === '') return 'is empty';
  if (/^lk[a-z]_/.test(token))
    return 'is a credential of Latchkey that is no JWT: it is opaque, and checked by the server';
  if (token.startsWith('{')) return 'is JSON; a JWT is in the compact form (RFC 7519 §1)';
  if (token.startsWith('-----')) return 'is a key or a certificate';
  return `has ${count(parts.length, 'part')}; a signed JWT has 3, with dots between them, and an encrypted one 5`;
}

function readSigned(parts: readonly string[], token: string, now: Timestamp): Read {
  const [first = '', second = '', third = ''] = parts;
  const header = readPart('header', first);
  if (header.value === null) return { ...readUnknown(parts, token), findings: header.findings };
  const payload = readPart('payload', second);
  const signature = decode('signature', third);
  const findings = [
    ...header.findings,
    ...payload.findings,
    ...signature.findings,
    ...judgeSignature(header.value, signature.bytes),
    ...judgeHeader(header.value),
    ...judgeSensitive(header.value, KEYS_OF_HEADER),
  ];
  const { alg } = header.value;
  if (typeof alg === 'string' && hasWeakSecret(alg, `${first}.${second}`, signature.bytes))
    findings.push(
      finding(
        'weak-secret',
        'is used with one of the secrets that everybody tries first: anyone can write such a token',
        'alg',
      ),
    );
  if (payload.value !== null)
    findings.push(...judgeClaims(payload.value, header.value, now), ...judgeSensitive(payload.value, NONE));
  return { kind: 'signed', header: header.value, claims: payload.value, findings };
}

function readEncrypted(parts: readonly string[], token: string): Read {
  const header = readPart('header', parts[0] ?? '');
  if (header.value === null) return { ...readUnknown(parts, token), findings: header.findings };
  const names = ['encrypted key', 'initialisation vector', 'ciphertext', 'tag'];
  return {
    kind: 'encrypted',
    header: header.value,
    claims: null,
    findings: [
      ...header.findings,
      ...parts.slice(1).flatMap((part, index) => decode(names[index] ?? 'part', part).findings),
      ...judgeEncryption(header.value),
      ...judgeHeader(header.value),
      ...judgeSensitive(header.value, KEYS_OF_HEADER),
    ],
  };
}

/** Bytes of base64url without padding (RFC 7515 §2), and what was wrong with it. */
function decode(
  name: string,
  text: string,
): { readonly bytes: Buffer; readonly findings: readonly Finding[] } {
  const bytes = Buffer.from(text, 'base64url');
  const wrong = (what: string): { readonly bytes: Buffer; readonly findings: readonly Finding[] } => ({
    bytes,
    findings: [finding('encoding', `has a ${name} ${what}`)],
  });
  if (text.includes('=')) return wrong('with padding, which a JWT leaves out');
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return wrong('with characters that are not base64url');
  if (bytes.toString('base64url') !== text)
    return wrong('with loose bits at its end, so that two texts are the same token');
  return { bytes, findings: [] };
}

/** A header or a payload: one JSON object. */
function readPart(
  name: 'header' | 'payload',
  text: string,
): { readonly value: Members | null; readonly findings: readonly Finding[] } {
  const { bytes, findings } = decode(name, text);
  const code = name === 'header' ? 'header-shape' : 'payload-shape';
  const { value, refusal } = parse(bytes);
  const told =
    refusal === null ? findings : [...findings, finding('json', `has a ${name} with ${SAID[refusal]}`)];
  if (value === undefined)
    return {
      value: null,
      findings:
        name === 'header' ? [...told, finding('not-a-jwt', 'does not begin with the header of a JWT')] : told,
    };
  return isMembers(value)
    ? { value, findings: told }
    : { value: null, findings: [...told, finding(code, `has a ${name} that is no JSON object`)] };
}

const SAID: Readonly<Record<JsonRefusal, string>> = {
  'not UTF-8': 'bytes that are not UTF-8: one reader refuses what another one mends',
  'not JSON': 'something that is not JSON',
  'too deep': 'JSON that is nested too deep to be meant well',
  'a key that stands twice': 'a key that stands twice: one reader takes the first, another one the last',
  'a lone surrogate': 'half a character: one reader refuses what another one mends',
};

/** The strict reading, or after its refusal the lax one that other programs would make. */
function parse(bytes: Uint8Array): { readonly value?: unknown; readonly refusal: JsonRefusal | null } {
  try {
    return { value: parseStrictJson(bytes), refusal: null };
  } catch (error) {
    if (!(error instanceof JsonRefused)) throw error;
    const refusal = error.reason;
    if (refusal === 'not JSON' || refusal === 'too deep') return { refusal };
    try {
      return { value: JSON.parse(new TextDecoder().decode(bytes)) as unknown, refusal };
    } catch {
      return { refusal };
    }
  }
}
