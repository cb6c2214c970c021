import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Config, parseConfig } from '../config.ts';
import { PROFILES } from '../profiles.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import { type Advice, advise } from './advise-advice.ts';
import { type Answers, type Caller, choicesOf, complete, unanswered } from './advise-questions.ts';
import { REASONS, WARNINGS, type WarningCode } from './advise-texts.ts';

/** Every set of answers, the empty one left out where one is needed. */
function subsets<T>(all: readonly T[]): readonly (readonly T[])[] {
  return all.reduce<readonly (readonly T[])[]>(
    (sets, each) => sets.concat(sets.map((set) => [...set, each])),
    [[]],
  );
}

const EVERY: readonly Answers[] = subsets(choicesOf('callers'))
  .filter(({ length }) => length > 0)
  .flatMap((callers) =>
    choicesOf('nodes').flatMap((nodes) =>
      choicesOf('services').flatMap((services) =>
        choicesOf('revocation').flatMap((revocation) =>
          choicesOf('outage').flatMap((outage) =>
            subsets(choicesOf('secrets')).flatMap((secrets) =>
              choicesOf('sensitivity').map((sensitivity) => ({
                callers,
                nodes,
                services,
                revocation,
                outage,
                secrets,
                sensitivity,
              })),
            ),
          ),
        ),
      ),
    ),
  );

const ADVICE: readonly (readonly [answers: Answers, advice: Advice])[] = EVERY.map((answers) => [
  answers,
  advise(answers),
]);

const warned = ({ warnings }: Advice, code: WarningCode): boolean =>
  warnings.some((one) => one.code === code);
const only = (callers: readonly Caller[], caller: Caller): boolean =>
  callers.every((each) => each === caller);
const modeOf = ({ clients }: Advice, name: string): string | undefined =>
  clients.find((client) => client.name === name)?.mode;

/** What holds for every combination of answers. */
const INVARIANTS: Readonly<Record<string, (answers: Answers, advice: Advice) => boolean>> = {
  'somebody can sign in': (_, { clients }) => clients.length > 0,
  'each caller with a person behind it has a client': ({ callers }, advice) =>
    callers.includes('pages') <= (modeOf(advice, 'web') !== undefined) &&
    callers.includes('browser') === (modeOf(advice, 'spa') !== undefined) &&
    callers.includes('apps') === (modeOf(advice, 'mobile') !== undefined),
  'a browser is never given mode jwt': (_, advice) =>
    modeOf(advice, 'web') !== 'jwt' && modeOf(advice, 'spa') !== 'jwt',
  'an app is never given a cookie': ({ callers }, advice) =>
    !callers.includes('apps') || modeOf(advice, 'mobile') === 'jwt',
  'pages of one origin on one node are given sessions': ({ callers, nodes, services }, { clients }) =>
    !(only(callers, 'pages') && nodes === 'one' && services === 'none') ||
    clients.every(({ mode }) => mode === 'session'),
  'where services check, every client can have a token': ({ services }, { clients }) =>
    services === 'none' || clients.every(({ mode }) => mode !== 'session'),
  'where services check, each has its audience': ({ services }, { options }) =>
    (options.tokens?.audiences?.length ?? 0) === { none: 0, one: 1, several: 2 }[services],
  'only a device that may keep nothing is given no refresh token': ({ callers, secrets }, { clients }) =>
    clients.some(({ refresh }) => !refresh) === (callers.includes('apps') && !secrets.includes('device')),
  'a revocation at once is never promised of services that read exp': ({ services, revocation }, advice) =>
    warned(advice, 'services-do-not-follow') === (services !== 'none' && revocation !== 'expiry'),
  'nobody has to sign in each minute': (_, { clients, options }) =>
    clients.every(({ refresh }) => refresh) || options.tokens?.life !== '1m',
  'a token lives for a minute where services read exp and that would be too late': (
    { services, revocation },
    { clients, options },
  ) =>
    !(services !== 'none' && revocation !== 'expiry' && clients.every(({ refresh }) => refresh)) ||
    options.tokens?.life === '1m',
  'a revocation at once is not weakened for the sake of an outage': ({ revocation }, { options }) =>
    revocation !== 'at-once' || options.log === undefined,
  'an outage that must be survived is, or the warning says why not': ({ outage, revocation }, advice) =>
    outage === 'nothing' ||
    (revocation === 'at-once'
      ? warned(advice, 'outage-against-revocation')
      : advice.options.log?.maxStaleness === '1m'),
  'what is not in this version is said': ({ callers, nodes, outage, revocation, sensitivity }, advice) =>
    warned(advice, 'no-postgres') === (nodes === 'several') &&
    warned(advice, 'no-second-factor') === (sensitivity === 'second-factor') &&
    warned(advice, 'no-client-keys') === callers.includes('services') &&
    warned(advice, 'nothing-lasts-until-expiry') === (outage === 'expiry' && revocation !== 'at-once'),
  'a profile that refuses to start is not named, and its limits are set': ({ sensitivity }, advice) =>
    advice.profiles.every(({ name }) => name !== 'high-security') &&
    (sensitivity === 'second-factor') === (advice.options.sessions?.idle === '15m') &&
    (sensitivity === 'second-factor') === (advice.options.nearCache?.life === '0ms'),
  'everything has a reason and a price': (_, { profiles, clients }) =>
    profiles.every(({ because }) => because !== '') &&
    clients.every(({ because, price }) => because !== '' && price.length > 1),
  'whoever is given pages signs in again after 30 days at most': ({ callers }, { profiles }) =>
    !callers.includes('pages') || profiles.some(({ name }) => PROFILES[name].absolute === '30d'),
  'the simpler way is named where it is one, and nowhere else': (
    { callers, nodes, services, sensitivity },
    advice,
  ) =>
    (advice.simpler !== null) ===
    (only(callers, 'pages') && nodes === 'one' && services === 'none' && sensitivity === 'ordinary'),
};

describe('advice', () => {
  test('is given for every combination of answers', () =>
    assert.equal(EVERY.length, 15 * 3 * 3 * 3 * 3 * 8 * 2));

  for (const [title, holds] of Object.entries(INVARIANTS)) {
    test(`keeps to it that ${title}`, () => {
      for (const [answers, advice] of ADVICE) assert.ok(holds(answers, advice), JSON.stringify(answers));
    });
  }

  test('is a configuration that is accepted, and in force as advised', () => {
    const secret = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
    const seen = new Map<string, Config>();
    for (const [, { options, clients, consequences }] of ADVICE) {
      const key = JSON.stringify(options);
      const config =
        seen.get(key) ??
        parseConfig({ url: 'https://api.example.com', secret, store: sqlite(':memory:'), ...options }, 2);
      seen.set(key, config);
      assert.deepEqual(
        [...config.clients.values()].map(({ name, mode, refresh }) => ({ name, mode, refresh })),
        clients.map(({ name, mode, refresh }) => ({ name, mode, refresh })),
      );
      const inForce = (name: string): string | undefined =>
        config.explanation.find((line) => line.name === name)?.value;
      const said = consequences.join(' ');
      assert.ok(said.includes(`after ${inForce('log.maxStaleness')};`));
      if (clients.some(({ refresh }) => refresh))
        assert.ok(
          said.includes(
            `after ${inForce('sessions.idle')} without use, and after ${inForce('sessions.absolute')} `,
          ),
        );
      if (clients.some(({ mode }) => mode !== 'session'))
        assert.ok(said.includes(`good for ${inForce('tokens.life')}.`));
    }
    assert.ok(seen.size > 50);
  });

  test('has a use for every reason and every warning', () => {
    const reasons = new Set(ADVICE.flatMap(([, { clients }]) => clients.map(({ because }) => because)));
    assert.deepEqual(reasons, new Set(Object.values(REASONS)));
    const warnings = new Set(ADVICE.flatMap(([, advice]) => advice.warnings.map(({ code }) => code)));
    assert.deepEqual(warnings, new Set(Object.keys(WARNINGS)));
  });
});

describe('a question', () => {
  const given = {
    callers: ['pages'],
    nodes: 'one',
    services: 'none',
    revocation: 'expiry',
    outage: 'nothing',
    sensitivity: 'ordinary',
  } as const;

  test('about secrets is left out where nobody would keep one', () => {
    assert.deepEqual(unanswered(given), []);
    assert.deepEqual(complete(given)?.secrets, ['server']);
  });

  test('about secrets is needed for browsers and apps', () => {
    for (const caller of ['browser', 'apps'] as const) {
      const more = { ...given, callers: ['pages', caller] } as const;
      assert.deepEqual(unanswered(more), ['secrets']);
      assert.equal(complete(more), null);
    }
  });

  test('is one of seven', () => assert.equal(unanswered({}).length, 7));
});
