import { by, cookie, history, refreshToken, session, token } from './example.ts';
import type { History } from './history.ts';

/** A history in which nothing went wrong, however it looks. */
export interface GoodHistory {
  readonly title: string;
  readonly history: History;
}

const endings: readonly GoodHistory[] = [
  {
    title: 'a check that began before the acknowledgement may be answered either way',
    history: history(
      session('one'),
      by('sign-out', [100, 200], { presents: cookie('one') }),
      by('check', [150, 300], { presents: cookie('one') }),
      by('check', [150, 160], { presents: cookie('one'), outcome: 'refused' }),
      by('check', [199, 5_000], { node: 'b', presents: cookie('one') }),
    ),
  },
  {
    title: 'the other node may accept up to the bound, and refuse at once',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('check', [1_110, 1_120], { node: 'b', presents: token('one') }),
      by('check', [111, 112], { node: 'b', presents: token('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'a session that began while all were being ended may live or not',
    history: history(
      session('one'),
      by('end-all', [100, 200], { presents: cookie('one') }),
      session('lives', [110, 190]),
      session('dies', [120, 180]),
      by('check', [2_000, 2_001], { presents: cookie('lives') }),
      by('check', [2_000, 2_001], { presents: cookie('dies'), outcome: 'refused' }),
    ),
  },
  {
    title: 'an end without an answer may have taken effect early, late, or never',
    history: history(
      session('one'),
      session('two'),
      by('revoke', [100, null], { user: null, target: { session: 'one' } }),
      by('check', [101, 102], { presents: cookie('one') }),
      by('check', [3_000, 3_001], { presents: cookie('one'), outcome: 'refused' }),
      by('sign-out', [100, null], { presents: cookie('two') }),
      by('check', [9_000, 9_001], { presents: cookie('two') }),
    ),
  },
  {
    title: 'an answer that does not tell says nothing of when it took effect either',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one'), outcome: 'unknown' }),
      by('check', [120, 121], { presents: cookie('one') }),
      by('check', [3_000, 3_001], { presents: cookie('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'an end that was refused has ended nothing',
    history: history(
      session('one'),
      by('end-session', [100, 110], {
        presents: cookie('one'),
        target: { session: 'two' },
        outcome: 'refused',
      }),
      session('two'),
      by('check', [5_000, 5_001], { presents: cookie('two') }),
    ),
  },
  {
    title: 'who is spared keeps the cookie, and the tokens from afterwards',
    history: history(
      session('one'),
      by('end-others', [100, 110], { presents: cookie('one') }),
      by('check', [120, 121], { presents: cookie('one') }),
      by('check', [120, 121], { presents: token('one'), outcome: 'refused' }),
      by('exchange', [122, 130], { presents: cookie('one'), issues: [token('one', 1)] }),
      by('check', [5_000, 5_001], { node: 'b', presents: token('one', 1) }),
    ),
  },
  {
    title: 'a token that is made while others are being ended may rest on before or after',
    history: history(
      session('one'),
      by('end-others', [100, 200], { presents: cookie('one') }),
      by('exchange', [150, 160], { presents: cookie('one'), issues: [token('one', 1)] }),
      by('exchange', [150, 160], { presents: cookie('one'), issues: [token('one', 2)] }),
      by('check', [5_000, 5_001], { presents: token('one', 1) }),
      by('check', [5_000, 5_001], { presents: token('one', 2), outcome: 'refused' }),
    ),
  },
  {
    title: 'of two sessions that end each other one is too late, whichever',
    history: history(
      session('one'),
      session('two'),
      by('end-others', [100, 200], { presents: cookie('one') }),
      by('end-others', [110, 190], { node: 'b', presents: cookie('two'), outcome: 'refused' }),
      by('check', [300, 301], { presents: cookie('one') }),
      by('check', [300, 301], { presents: cookie('two'), outcome: 'refused' }),
    ),
  },
  {
    title: 'a sign-in ends the session whose cookie it came with',
    history: history(
      session('one'),
      session('two', [100, 110], { presents: cookie('one') }),
      by('check', [120, 121], { presents: cookie('one'), outcome: 'refused' }),
      by('check', [120, 121], { presents: cookie('two') }),
    ),
  },
  {
    title: 'who learns that a session had ended need not make the node know it',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('sign-out', [120, 130], { node: 'b', presents: cookie('one'), outcome: 'refused' }),
      by('refresh', [120, 130], { node: 'b', presents: refreshToken('one'), outcome: 'refused' }),
      by('check', [140, 141], { node: 'b', presents: token('one') }),
    ),
  },
  {
    title: 'an expired token is refused without a cause',
    history: history(
      session('one', [0, 10], { issues: [{ ...token('one'), life: 500 }] }),
      by('check', [499, 501], { presents: token('one'), outcome: 'refused' }),
    ),
  },
];

const successions: readonly GoodHistory[] = [
  {
    title: 'refreshes at once share a successor, in whatever order they are answered',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_050], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [11_001, 11_010], {
        node: 'b',
        presents: refreshToken('one'),
        issues: [refreshToken('one', 1)],
      }),
      by('refresh', [11_020, 11_030], {
        presents: refreshToken('one', 1),
        issues: [refreshToken('one', 1)],
      }),
    ),
  },
  {
    title: 'a young refresh token is answered by itself, and an overlapping request may replace it',
    history: history(
      session('one'),
      by('refresh', [9_000, 9_010], { presents: refreshToken('one'), issues: [refreshToken('one')] }),
      by('refresh', [9_990, 10_020], { presents: refreshToken('one'), issues: [refreshToken('one')] }),
      by('refresh', [9_995, 10_010], {
        node: 'b',
        presents: refreshToken('one'),
        issues: [refreshToken('one', 1)],
      }),
    ),
  },
  {
    title: 'an answer that was lost is asked for again within the grace, and too late ends the session',
    history: history(
      session('one'),
      session('two'),
      by('refresh', [11_000, null], { presents: refreshToken('one') }),
      by('refresh', [20_900, 20_910], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [11_000, null], { presents: refreshToken('two') }),
      by('refresh', [21_500, 21_510], { presents: refreshToken('two'), outcome: 'refused' }),
      by('check', [21_600, 21_601], { presents: token('two'), outcome: 'refused' }),
    ),
  },
  {
    title: 'an old refresh token ends its session, which others find out when they find out',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_010], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [22_000, 22_100], { presents: refreshToken('one'), outcome: 'refused' }),
      by('refresh', [22_050, 22_060], {
        presents: refreshToken('one', 1),
        issues: [refreshToken('one', 2)],
      }),
      by('check', [22_010, 22_020], { presents: token('one'), outcome: 'refused' }),
      by('check', [23_000, 23_001], { node: 'b', presents: token('one') }),
    ),
  },
  {
    title: 'what a step-up replaced is good for what is safe, and for ten seconds',
    history: history(
      session('one'),
      by('step-up', [100, 110], { presents: cookie('one'), password: 'first', issues: [cookie('one', 1)] }),
      by('check', [10_000, 10_001], { presents: cookie('one') }),
      by('exchange', [120, 130], { presents: cookie('one'), outcome: 'refused' }),
      by('check', [10_099, 10_120], { presents: cookie('one'), outcome: 'refused' }),
      by('check', [20_000, 20_001], { presents: cookie('one'), outcome: 'refused' }),
      by('check', [20_000, 20_001], { presents: cookie('one', 1) }),
    ),
  },
  {
    title: 'a step-up without an answer leaves nobody sure of the cookie',
    history: history(
      session('one'),
      by('step-up', [100, null], { presents: cookie('one'), password: 'first' }),
      by('check', [10_200, 10_201], { presents: cookie('one'), outcome: 'refused' }),
      by('sign-out', [10_300, 10_301], { presents: cookie('one') }),
    ),
  },
];

const passwords: readonly GoodHistory[] = [
  {
    title: 'while a password is changed both are accepted, and both refused',
    history: history(
      session('one'),
      by('change-password', [100, 200], { presents: cookie('one'), password: 'first', next: 'second' }),
      session('old', [110, 190]),
      session('new', [110, 190], { password: 'second' }),
      by('sign-in', [110, 190], { password: 'first', outcome: 'refused' }),
      by('sign-in', [110, 190], { password: 'second', outcome: 'refused' }),
    ),
  },
  {
    title: 'of two changes at once one is refused',
    history: history(
      session('one'),
      by('change-password', [100, 200], { presents: cookie('one'), password: 'first', next: 'second' }),
      by('change-password', [110, 190], {
        node: 'b',
        presents: cookie('one'),
        password: 'first',
        next: 'third',
        outcome: 'refused',
      }),
      session('two', [300, 310], { password: 'second' }),
    ),
  },
  {
    title: 'a change without an answer may take effect while others sign in',
    history: history(
      session('one'),
      by('change-password', [100, null], { presents: cookie('one'), password: 'first', next: 'second' }),
      by('sign-in', [110, 120], { password: 'second', outcome: 'refused' }),
      session('two', [130, 140]),
      by('sign-in', [150, 160], { password: 'first', outcome: 'refused' }),
      session('three', [170, 180], { password: 'second' }),
    ),
  },
  {
    title: 'the right password is refused to who signs in while all sessions are being ended',
    history: history(
      session('one'),
      by('revoke', [100, 200], { user: null, target: { everyone: true } }),
      by('sign-in', [190, 300], { password: 'first', outcome: 'refused' }),
    ),
  },
];

/** Overlaps that look like faults and are none. */
export const GOOD_HISTORIES: readonly GoodHistory[] = [...endings, ...successions, ...passwords];
