import { type Finding, finding, isMembers, type Members } from './inspect-findings.ts';

/** The length of a signature in bytes, by algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). */
const SIGNATURE_BYTES: ReadonlyMap<string, readonly number[]> = new Map([
  ['HS256', [32]],
  ['HS384', [48]],
  ['HS512', [64]],
  ['ES256', [64]],
  ['ES384', [96]],
  ['ES512', [132]],
  ['ES256K', [64]],
  ['EdDSA', [64, 114]],
  ['Ed25519', [64]],
  ['Ed448', [114]],
]);

const RSA = /^[RP]S(?:256|384|512)$/;

/** Says what the header of a token gives away or asks for, signed or encrypted. */
export function judgeHeader(header: Members): readonly Finding[] {
  return [...judgeTyp(header), ...judgeSources(header), ...judgeCrit(header), ...judgeRest(header)];
}

/** RFC 8725 §3.11: a token says what it is for, so that no other place accepts it. */
function judgeTyp(header: Members): readonly Finding[] {
  const typ = header['typ'];
  if (typeof typ !== 'string' || typ === '')
    return [
      finding(
        'typ-missing',
        'is missing: the token says not what kind it is; an access token is at+jwt',
        'typ',
      ),
    ];
  return mediaType(typ) === 'jwt'
    ? [finding('typ-general', 'is JWT, which every kind of token can say; at+jwt is an access token', 'typ')]
    : [];
}

/** RFC 7515 §4.1.9: the prefix `application/` may be left out, and case means nothing. */
export function mediaType(typ: unknown): string {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : '';
}

/** Keys come from where the verifier was configured to look, never from the token (RFC 8725 §3.10, ASVS 9.1.3). */
function judgeSources(header: Members): readonly Finding[] {
  const findings: Finding[] = [];
  const { jwk } = header;
  for (const name of ['jku', 'x5u']) {
    if (Object.hasOwn(header, name))
      findings.push(
        finding(
          'header-key',
          'names a place to fetch the key from; a verifier that follows it is lost',
          name,
        ),
      );
  }
  if (isMembers(jwk) && ['d', 'k', 'p', 'q'].some((name) => Object.hasOwn(jwk, name)))
    findings.push(finding('header-private-key', 'holds a private key; everybody has it now', 'jwk'));
  // A proof of possession has to bring its own public key (RFC 9449 §4.2).
  else if (jwk !== undefined && mediaType(header['typ']) !== 'dpop+jwt')
    findings.push(
      finding('header-key', 'is a key; a verifier that trusts it accepts whatever anyone signs', 'jwk'),
    );
  if (Object.hasOwn(header, 'x5c'))
    findings.push(
      finding('header-chain', 'are certificates, which mean nothing unless they are checked', 'x5c'),
    );
  return findings;
}

/** RFC 7515 §4.1.11: whoever does not know a critical member must refuse the token. */
function judgeCrit(header: Members): readonly Finding[] {
  if (!Object.hasOwn(header, 'crit')) return [];
  const { crit } = header;
  if (!Array.isArray(crit) || crit.length === 0 || !crit.every((name) => typeof name === 'string'))
    return [finding('crit-shape', 'must be a list of names with something in it', 'crit')];
  return [
    crit.includes('b64')
      ? finding('crit-unknown', 'leaves the payload unencoded, which no JWT may (RFC 7797 §7)', 'crit')
      : finding(
          'crit-unknown',
          'asks for something that nearly no verifier knows, so that all must refuse it',
          'crit',
        ),
  ];
}

function judgeRest(header: Members): readonly Finding[] {
  const findings: Finding[] = [];
  const { kid } = header;
  if (
    kid !== undefined &&
    (typeof kid !== 'string' || !/^[\w.:=+/@-]{1,256}$/.test(kid) || kid.includes('..'))
  )
    findings.push(
      finding('kid-odd', 'is no plain name; put into a path or a query it would do something else', 'kid'),
    );
  if (Object.hasOwn(header, 'zip'))
    findings.push(
      finding(
        'compressed',
        'compresses the contents: their length tells about them, and they may unpack to a lot',
        'zip',
      ),
    );
  if (mediaType(header['cty']) === 'jwt')
    findings.push(
      finding(
        'nested',
        'says that there is another token inside, whose signature must be checked as well',
        'cty',
      ),
    );
  return findings;
}

/** Says what is wrong with the algorithm and the signature, as far as one can without the key. */
export function judgeSignature(header: Members, signature: Uint8Array): readonly Finding[] {
  const { alg } = header;
  if (typeof alg !== 'string' || alg === '')
    return [finding('alg-missing', 'is missing: no verifier may accept the token', 'alg')];
  if (isNone(alg))
    return [finding('alg-none', 'says that there is no signature: anyone can write such a token', 'alg')];
  const findings: Finding[] = [];
  const lengths = SIGNATURE_BYTES.get(alg);
  if (lengths === undefined && !RSA.test(alg) && !/^ML-DSA-(?:44|65|87)$/.test(alg))
    findings.push(finding('alg-unknown', 'is no algorithm that is known to sign a JWT', 'alg'));
  if (signature.length === 0)
    return [...findings, finding('unsigned', 'has no signature, whatever its header says')];
  if (alg.startsWith('HS') && lengths !== undefined)
    findings.push(
      finding('alg-shared', 'is a shared secret: whoever can check the token can also write one', 'alg'),
    );
  if (lengths?.includes(signature.length) === false)
    findings.push(
      finding(
        'signature-length',
        `has a signature of ${signature.length} bytes, and ${alg} has ${lengths.join(' or ')}`,
      ),
    );
  if (signature.every((byte) => byte === 0))
    findings.push(
      finding('signature-zero', 'has a signature of zeros, which careless verifiers accept for any contents'),
    );
  return [...findings, ...judgeRsa(alg, signature)];
}

function isNone(alg: string): boolean {
  return alg.trim().toLowerCase() === 'none';
}

/** A signature is as long as the key's modulus (RFC 8017 §8); ASVS 11.2.3 asks for 128 bits of strength. */
function judgeRsa(alg: string, signature: Uint8Array): readonly Finding[] {
  const bits = signature.length * 8;
  if (!RSA.test(alg) || bits >= 3_072) return [];
  return [
    bits < 2_048
      ? finding('rsa-short', `is signed with an RSA key of ${bits} bits; 2048 is the least (RFC 7518 §3.3)`)
      : finding(
          'rsa-2048',
          `is signed with an RSA key of ${bits} bits; 3072 is what 128 bits of strength need`,
        ),
  ];
}

/** More rounds than this only serve to keep a server busy before it knows who asks. */
const MOST_PBES2_ROUNDS = 1_000_000;

/** Says what can be seen of a token that is encrypted (RFC 7516). */
export function judgeEncryption(header: Members): readonly Finding[] {
  const { alg, p2c } = header;
  const findings = [
    finding('encrypted', 'is encrypted: only its header can be seen, and nothing here says who made it'),
  ];
  if (typeof alg !== 'string' || alg === '')
    return [...findings, finding('alg-missing', 'is missing: no one can open the token', 'alg')];
  if (isNone(alg)) findings.push(finding('alg-none', 'says none, which cannot encrypt', 'alg'));
  if (alg === 'RSA1_5')
    findings.push(
      finding('alg-unsafe', 'is RSA1_5, which can be opened by asking often enough (RFC 8725 §3.2)', 'alg'),
    );
  if (alg.startsWith('PBES2') && (typeof p2c !== 'number' || p2c > MOST_PBES2_ROUNDS))
    findings.push(
      finding(
        'pbes2-count',
        'lets the sender choose how long the receiver computes before it knows who asks',
        'p2c',
      ),
    );
  return findings;
}
