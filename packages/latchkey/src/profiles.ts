import type { Duration } from './foundation/durations.ts';

/** The defaults that a profile sets; where several are named, the stricter value wins. */
export interface ProfileRow {
  readonly idle: Duration;
  readonly absolute: Duration;
  /** `0ms`: the store is read on each check. */
  readonly nearCacheLife: Duration;
  /** The least length of a password that is the only factor (NIST SP 800-63B-4 §3.1.1.2). */
  readonly passwordLength: number;
  /** What the profile cannot do without, and this version does not have. */
  readonly needs: string | null;
}

/** One row a profile; the numbers are argued in `docs/decisions/`. */
export const PROFILES = {
  'small-app': { idle: '7d', absolute: '30d', nearCacheLife: '60s', passwordLength: 15, needs: null },
  'server-rendered': { idle: '7d', absolute: '30d', nearCacheLife: '60s', passwordLength: 15, needs: null },
  api: { idle: '14d', absolute: '90d', nearCacheLife: '60s', passwordLength: 15, needs: null },
  mobile: { idle: '14d', absolute: '90d', nearCacheLife: '60s', passwordLength: 15, needs: null },
  microservices: { idle: '24h', absolute: '30d', nearCacheLife: '60s', passwordLength: 15, needs: null },
  distributed: { idle: '24h', absolute: '30d', nearCacheLife: '60s', passwordLength: 15, needs: null },
  'high-security': {
    idle: '15m',
    absolute: '12h',
    nearCacheLife: '0ms',
    passwordLength: 15,
    needs: 'a second factor',
  },
} as const satisfies Record<string, ProfileRow>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
