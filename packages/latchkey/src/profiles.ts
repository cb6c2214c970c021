import type { Mode } from '@latchkey/verify';
import type { Duration } from './foundation/durations.ts';

/** The defaults that a profile sets; where several are named, the stricter value wins. */
export interface ProfileRow {
  /** The mode of the first client where none is configured. */
  readonly mode: Mode;
  readonly idle: Duration;
  readonly absolute: Duration;
  /** How long an access token is good. */
  readonly accessLife: Duration;
  /** `0ms`: the store is read on each check. */
  readonly nearCacheLife: Duration;
  /** The least length of a password that is the only factor (NIST SP 800-63B-4 §3.1.1.2). */
  readonly passwordLength: number;
  /** What the profile cannot do without, and this version does not have. */
  readonly needs: string | null;
}

const SHARED = { nearCacheLife: '60s', passwordLength: 15, needs: null } as const;
const PAGES = { ...SHARED, mode: 'session', idle: '7d', absolute: '30d', accessLife: '5m' } as const;
const DEVICES = { ...SHARED, mode: 'jwt', idle: '14d', absolute: '90d', accessLife: '5m' } as const;
const FLEETS = { ...SHARED, mode: 'hybrid', idle: '24h', absolute: '30d', accessLife: '10m' } as const;

/** One row a profile; the numbers are argued in `docs/decisions/`. */
export const PROFILES = {
  'small-app': PAGES,
  'server-rendered': PAGES,
  api: DEVICES,
  mobile: DEVICES,
  microservices: FLEETS,
  distributed: FLEETS,
  'high-security': {
    mode: 'session',
    idle: '15m',
    absolute: '12h',
    accessLife: '2m',
    nearCacheLife: '0ms',
    passwordLength: 15,
    needs: 'a second factor',
  },
} as const satisfies Record<string, ProfileRow>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
