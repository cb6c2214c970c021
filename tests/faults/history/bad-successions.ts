import { type BadHistory, by, cookie, history, refreshToken, session, token } from './example.ts';

const replaced: readonly BadHistory[] = [
  {
    title: 'a cookie is accepted long after a step-up replaced it',
    rule: 'replaced-accepted',
    history: history(
      session('one'),
      by('step-up', [100, 110], { presents: cookie('one'), password: 'first', issues: [cookie('one', 1)] }),
      by('check', [10_200, 10_201], { presents: cookie('one') }),
    ),
  },
  {
    title: 'a cookie is accepted after it was replaced twice',
    rule: 'replaced-accepted',
    history: history(
      session('one'),
      by('step-up', [100, 110], { presents: cookie('one'), password: 'first', issues: [cookie('one', 1)] }),
      by('step-up', [120, 130], {
        presents: cookie('one', 1),
        password: 'first',
        issues: [cookie('one', 2)],
      }),
      by('check', [1_131, 1_132], { node: 'b', presents: cookie('one') }),
    ),
  },
  {
    title: 'a cookie that was replaced gets an access token',
    rule: 'replaced-accepted',
    history: history(
      session('one'),
      by('step-up', [100, 110], { presents: cookie('one'), password: 'first', issues: [cookie('one', 1)] }),
      by('exchange', [111, 120], { node: 'b', presents: cookie('one'), issues: [token('one', 1)] }),
    ),
  },
  {
    title: 'a refresh token is answered long after it was replaced',
    rule: 'replaced-accepted',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_010], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [21_100, 21_110], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
    ),
  },
  {
    title: 'a refresh token is answered whose successor was replaced as well',
    rule: 'replaced-accepted',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_010], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [11_100, 11_110], {
        presents: refreshToken('one', 1),
        issues: [refreshToken('one', 2)],
      }),
      by('refresh', [11_111, 11_120], {
        node: 'b',
        presents: refreshToken('one'),
        issues: [refreshToken('one', 1)],
      }),
    ),
  },
];

const successors: readonly BadHistory[] = [
  {
    title: 'two nodes answer one refresh token with two successors',
    rule: 'two-successors',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_020], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [11_001, 11_019], {
        node: 'b',
        presents: refreshToken('one'),
        issues: [refreshToken('one', 9)],
      }),
    ),
  },
  {
    title: 'a refresh token is answered by itself after it was replaced',
    rule: 'two-successors',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_010], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [11_011, 11_020], {
        node: 'b',
        presents: refreshToken('one'),
        issues: [refreshToken('one')],
      }),
    ),
  },
  {
    title: 'two step-ups replace one cookie',
    rule: 'two-successors',
    history: history(
      session('one'),
      by('step-up', [100, 120], { presents: cookie('one'), password: 'first', issues: [cookie('one', 1)] }),
      by('step-up', [101, 119], {
        node: 'b',
        presents: cookie('one'),
        password: 'first',
        issues: [cookie('one', 2)],
      }),
    ),
  },
];

/** What was replaced lives on, or is replaced by two. */
export const BAD_SUCCESSIONS: readonly BadHistory[] = [...replaced, ...successors];
