import { BAD_SUCCESSIONS } from './bad-successions.ts';
import { type BadHistory, by, cookie, history, refreshToken, session, token } from './example.ts';

const ended: readonly BadHistory[] = [
  {
    title: 'a cookie is accepted by the other node 1 ms after the bound',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('check', [1_111, 1_112], { node: 'b', presents: cookie('one') }),
    ),
  },
  {
    title: 'a token is accepted by a service 1 ms after the bound',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('check', [1_111, 1_112], { node: 'a-service', presents: token('one') }),
    ),
  },
  {
    title: 'a token is accepted by a service after the receipt was settled, within the bound',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      session('two'),
      by('end-session', [100, 110], { id: 'end', presents: cookie('two'), target: { session: 'one' } }),
      by('receipt', [120, 150], { of: 'end', settled: true }),
      by('check', [151, 152], { node: 'a-service', presents: token('one') }),
    ),
  },
  {
    title: 'a cookie is accepted by the node that acknowledged its end, at once',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('check', [111, 112], { presents: cookie('one') }),
    ),
  },
  {
    title: 'a token is accepted after its user was ended by an administrator',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('revoke', [100, 110], { user: null, target: { user: 'ada' } }),
      by('check', [1_200, 1_210], { node: 'b', presents: token('one') }),
    ),
  },
  {
    title: 'a token is accepted after everything was ended',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('revoke', [100, 110], { user: null, target: { everyone: true } }),
      by('check', [1_200, 1_210], { node: 'b', presents: token('one') }),
    ),
  },
  {
    title: 'a cookie is accepted by the other node after the receipt was settled, within the bound',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      session('two'),
      by('end-session', [100, 110], { id: 'end', presents: cookie('two'), target: { session: 'one' } }),
      by('receipt', [120, 150], { of: 'end', settled: true }),
      by('check', [151, 152], { node: 'b', presents: cookie('one') }),
    ),
  },
  {
    title: 'a cookie is accepted by the other node though the end was settled as it was acknowledged',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one'), settled: true }),
      by('check', [120, 121], { node: 'b', presents: cookie('one') }),
    ),
  },
  {
    title: 'the older token of a session that was spared is accepted',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('end-others', [100, 110], { presents: cookie('one') }),
      by('check', [120, 121], { presents: token('one') }),
    ),
  },
  {
    title: 'a session lives that began by the old password while it was being changed',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('change-password', [100, 200], { presents: cookie('one'), password: 'first', next: 'second' }),
      session('two', [150, 160]),
      by('check', [1_300, 1_301], { node: 'b', presents: cookie('two') }),
    ),
  },
  {
    title: 'a session goes on after its copied refresh token was found',
    rule: 'ended-accepted',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_010], {
        presents: refreshToken('one'),
        issues: [refreshToken('one', 1)],
      }),
      by('refresh', [22_000, 22_010], { presents: refreshToken('one'), outcome: 'refused' }),
      by('check', [23_100, 23_101], { presents: token('one') }),
    ),
  },
];

const used: readonly BadHistory[] = [
  {
    title: 'a refresh token of an ended session is answered by the other node at once',
    rule: 'ended-used',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('refresh', [111, 120], {
        node: 'b',
        presents: refreshToken('one'),
        issues: [refreshToken('one')],
      }),
    ),
  },
  {
    title: 'a session that was ended ends the others',
    rule: 'ended-used',
    history: history(
      session('one'),
      session('two'),
      by('end-others', [100, 110], { presents: cookie('one') }),
      by('end-others', [111, 120], { node: 'b', presents: cookie('two') }),
    ),
  },
  {
    title: 'an ended session gets an access token for its cookie',
    rule: 'ended-used',
    history: history(
      session('one'),
      by('end-all', [100, 110], { presents: cookie('one') }),
      by('exchange', [111, 120], { node: 'b', presents: cookie('one'), issues: [token('one', 1)] }),
    ),
  },
  {
    title: 'a session ends twice, once after the other',
    rule: 'ended-used',
    history: history(
      session('one'),
      by('sign-out', [100, 110], { presents: cookie('one') }),
      by('sign-out', [111, 120], { node: 'b', presents: cookie('one') }),
    ),
  },
];

const refused: readonly BadHistory[] = [
  {
    title: 'a session is refused that nothing has ended',
    rule: 'refused-without-cause',
    history: history(
      session('one'),
      by('check', [100, 101], { presents: cookie('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'the session that was spared is refused',
    rule: 'refused-without-cause',
    history: history(
      session('one'),
      session('two'),
      by('end-others', [100, 110], { presents: cookie('one') }),
      by('check', [120, 121], { presents: cookie('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'the session that changed the password is refused its refresh token',
    rule: 'refused-without-cause',
    history: history(
      session('one'),
      by('change-password', [100, 110], { presents: token('one'), password: 'first', next: 'second' }),
      by('refresh', [120, 121], { node: 'b', presents: refreshToken('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'a session is refused that began after the end of all was acknowledged',
    rule: 'refused-without-cause',
    history: history(
      by('revoke', [0, 10], { user: null, target: { user: 'ada' } }),
      session('one', [11, 20]),
      by('check', [30, 31], { node: 'b', presents: token('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'a session is refused that began by the new password while it was being set',
    rule: 'refused-without-cause',
    history: history(
      session('one'),
      by('change-password', [100, 200], { presents: cookie('one'), password: 'first', next: 'second' }),
      session('two', [150, 190], { password: 'second' }),
      by('check', [300, 301], { presents: cookie('two'), outcome: 'refused' }),
    ),
  },
  {
    title: 'a refresh token is refused that was replaced a moment ago',
    rule: 'refused-without-cause',
    history: history(
      session('one'),
      by('refresh', [11_000, 11_010], { presents: refreshToken('one'), issues: [refreshToken('one', 1)] }),
      by('refresh', [12_000, 12_010], { node: 'b', presents: refreshToken('one'), outcome: 'refused' }),
    ),
  },
  {
    title: 'a cookie is refused to a safe request moments after a step-up replaced it',
    rule: 'refused-without-cause',
    history: history(
      session('one'),
      by('step-up', [100, 110], { presents: cookie('one'), password: 'first', issues: [cookie('one', 1)] }),
      by('check', [120, 121], { node: 'b', presents: cookie('one'), outcome: 'refused' }),
    ),
  },
];

const passwords: readonly BadHistory[] = [
  {
    title: 'the old password signs in after the change was acknowledged',
    rule: 'old-password-accepted',
    history: history(
      session('one'),
      by('change-password', [100, 110], { presents: cookie('one'), password: 'first', next: 'second' }),
      session('two', [111, 120], { node: 'b' }),
    ),
  },
  {
    title: 'the old password signs in after the new one did, whose change got no answer',
    rule: 'old-password-accepted',
    history: history(
      session('one'),
      by('change-password', [100, null], { presents: cookie('one'), password: 'first', next: 'second' }),
      session('two', [120, 130], { password: 'second' }),
      session('three', [131, 140], { node: 'b' }),
    ),
  },
  {
    title: 'two changes at once replace the same password',
    rule: 'old-password-accepted',
    history: history(
      session('one'),
      by('change-password', [100, 120], { presents: cookie('one'), password: 'first', next: 'second' }),
      by('change-password', [101, 119], { presents: cookie('one'), password: 'first', next: 'third' }),
    ),
  },
  {
    title: 'a step-up is done by the old password',
    rule: 'old-password-accepted',
    history: history(
      session('one'),
      by('change-password', [100, 110], {
        presents: cookie('one'),
        password: 'first',
        next: 'second',
        issues: [cookie('one', 1)],
      }),
      by('step-up', [111, 120], {
        presents: cookie('one', 1),
        password: 'first',
        issues: [cookie('one', 2)],
      }),
    ),
  },
  {
    title: 'the password in force does not sign in',
    rule: 'password-refused',
    history: history(session('one'), by('sign-in', [100, 110], { password: 'first', outcome: 'refused' })),
  },
  {
    title: 'the new password does not sign in after the change was acknowledged',
    rule: 'password-refused',
    history: history(
      session('one'),
      by('change-password', [100, 110], { presents: cookie('one'), password: 'first', next: 'second' }),
      by('sign-in', [111, 120], { node: 'b', password: 'second', outcome: 'refused' }),
    ),
  },
];

const subjects: readonly BadHistory[] = [
  {
    title: 'a check is answered with somebody else',
    rule: 'wrong-subject',
    history: history(
      session('one'),
      by('check', [100, 101], { presents: cookie('one'), answered: { user: 'bob', session: 'one' } }),
    ),
  },
  {
    title: 'a check is answered with another session of the same person',
    rule: 'wrong-subject',
    history: history(
      session('one'),
      session('two'),
      by('check', [100, 101], { presents: cookie('one'), answered: { user: 'ada', session: 'two' } }),
    ),
  },
  {
    title: 'an access token is made for somebody else',
    rule: 'wrong-subject',
    history: history(
      session('one'),
      by('exchange', [100, 110], {
        presents: cookie('one'),
        issues: [token('one', 1)],
        answered: { user: 'bob', session: 'bobs' },
      }),
    ),
  },
  {
    title: 'a sign-in is answered with a session that another began',
    rule: 'wrong-subject',
    history: history(
      session('one'),
      by('sign-in', [100, 110], { password: 'first', answered: { user: 'ada', session: 'one' } }),
    ),
  },
];

/** Seeded faults: each history breaks the rule that it names, once, and no other. */
export const BAD_HISTORIES: readonly BadHistory[] = [
  ...ended,
  ...used,
  ...BAD_SUCCESSIONS,
  ...refused,
  ...passwords,
  ...subjects,
];
