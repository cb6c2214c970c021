/** How much a finding counts: `bad` can be used against you, a `warning` makes that easier, a `note` is worth knowing. */
export type Severity = 'note' | 'warning' | 'bad';

/** What can be wrong with a token, and how much it counts. */
export const FINDINGS = {
  'not-a-jwt': 'bad',
  encoding: 'bad',
  json: 'bad',
  'header-shape': 'bad',
  'payload-shape': 'bad',

  'alg-missing': 'bad',
  'alg-none': 'bad',
  'alg-unsafe': 'bad',
  'alg-unknown': 'warning',
  'alg-shared': 'note',
  'weak-secret': 'bad',
  unsigned: 'bad',
  'signature-length': 'bad',
  'signature-zero': 'bad',
  'rsa-short': 'bad',
  'rsa-2048': 'warning',
  'typ-missing': 'warning',
  'typ-general': 'note',
  'typ-not-access': 'warning',
  'header-key': 'bad',
  'header-private-key': 'bad',
  'header-chain': 'warning',
  'crit-unknown': 'bad',
  'crit-shape': 'bad',
  'kid-odd': 'warning',
  compressed: 'warning',
  nested: 'note',
  encrypted: 'note',
  'pbes2-count': 'bad',

  'exp-missing': 'bad',
  'time-shape': 'bad',
  'time-milliseconds': 'bad',
  'life-long': 'warning',
  'life-very-long': 'bad',
  'life-unknown': 'note',
  'life-none': 'warning',
  expired: 'note',
  'iat-missing': 'warning',
  'iat-future': 'warning',
  'nbf-future': 'note',
  'iss-missing': 'warning',
  'iss-http': 'warning',
  'aud-missing': 'warning',
  'aud-any': 'warning',
  'sub-missing': 'note',
  'jti-missing': 'note',
  'claim-shape': 'bad',

  sensitive: 'bad',
  'size-large': 'note',
  'size-too-large': 'bad',
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof FINDINGS;

/** One thing that is wrong with a token. Never repeats a value that the token holds. */
export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** Which member of the header or claim it is about, or `null` for the token. */
  readonly member: string | null;
  /** For people: what it is, and what follows from it. */
  readonly what: string;
}

/** Makes a finding, with the severity of the table. */
export function finding(code: FindingCode, what: string, member: string | null = null): Finding {
  return { severity: FINDINGS[code], code, member, what };
}

const ORDER = ['bad', 'warning', 'note'] as const satisfies readonly Severity[];

/** The worst first; otherwise in the order of the token. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return ORDER.flatMap((severity) => findings.filter((one) => one.severity === severity));
}

/** What a JSON object holds. */
export type Members = Readonly<Record<string, unknown>>;

/** Whether a value is what JSON calls an object. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
