import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type AccessPolicy, type AccessRules, ADMINISTRATOR, compileAccess, type Subject } from './access.ts';
import { all, assurance, type Condition, me, oneOf, recent, role, signedIn } from './conditions.ts';
import { permissions, resource } from './rules.ts';

interface Paper {
  readonly ownerId: string | null;
  readonly public: boolean;
  readonly state: 'draft' | 'review' | 'published';
}

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const ADA: Subject = { id: 'ada', roles: [], fields: {}, acr: 'aal1', authTime: NOW };
const PAPER: Paper = { ownerId: 'ada', public: false, state: 'draft' };
const ROLES = ['auditor', 'editor'];

const ACCESS = {
  document: resource<Paper>()({
    read: [{ public: true }, { ownerId: me.id }, role('auditor')],
    edit: [{ ownerId: me.id }],
    remove: [all({ ownerId: me.id }, recent('5m'))],
    publish: [all(role('editor'), { state: 'draft' }, assurance('aal2'))],
    shred: [],
  }),
  reports: permissions({ view: [role('auditor')], export: [signedIn()] }),
} satisfies AccessRules;

const policy = compileAccess({ roles: ROLES, access: ACCESS });
const compile = (access: AccessRules, roles: readonly string[] = ROLES): AccessPolicy =>
  compileAccess({ roles, access });

describe('a policy', () => {
  test('knows its permissions and roles', () => {
    assert.deepEqual(policy.permissions, [
      'document:edit',
      'document:publish',
      'document:read',
      'document:remove',
      'document:shred',
      'latchkey:admin',
      'reports:export',
      'reports:view',
    ]);
    assert.deepEqual([...policy.roles].toSorted(), ['administrator', 'auditor', 'editor']);
  });

  const auditor = { ...ADA, id: 'bob', roles: ['auditor'] };
  const eve = { ...ADA, id: 'eve' };
  for (const [title, subject, permission, thing, expected] of [
    ['nobody reads what is public', null, 'document:read', { ...PAPER, public: true }, true],
    ['nobody reads what is not', null, 'document:read', PAPER, false],
    ['nobody owns what has no owner', null, 'document:edit', { ...PAPER, ownerId: null }, false],
    ['the owner edits', ADA, 'document:edit', PAPER, true],
    ['another does not', eve, 'document:edit', PAPER, false],
    ['a role reads', auditor, 'document:read', PAPER, true],
    ['the role does not edit', auditor, 'document:edit', PAPER, false],
    ['an empty list is for nobody', ADA, 'document:shred', PAPER, false],
    ['a role sees the reports', auditor, 'reports:view', undefined, true],
    ['others do not', ADA, 'reports:view', undefined, false],
    ['whoever has signed in exports', ADA, 'reports:export', undefined, true],
    ['nobody else does', null, 'reports:export', undefined, false],
    ['a thing adds nothing where none is asked for', eve, 'reports:view', { roles: ['auditor'] }, false],
  ] as const) {
    test(`${title} (@asvs 8.2.1, 8.2.2)`, () => {
      assert.equal(policy.allows(subject, permission, thing, NOW), expected);
      assert.equal(policy.decide(subject, permission, thing, NOW).allowed, expected);
    });
  }

  test('allows nothing where nothing is said (@asvs 8.2.1)', () => {
    const empty = compile({}, []);
    assert.deepEqual(empty.permissions, ['latchkey:admin']);
    assert.equal(empty.allows(ADA, 'latchkey:admin', undefined, NOW), false);
    assert.equal(empty.allows(null, 'latchkey:admin', undefined, NOW), false);
  });

  test('lets administrators administrate, and nothing more (@asvs 8.2.1)', () => {
    const admin = { ...ADA, id: 'root', roles: [ADMINISTRATOR] };
    for (const permission of policy.permissions.filter((name) => name !== 'reports:export')) {
      assert.equal(policy.allows(admin, permission, PAPER, NOW), permission === 'latchkey:admin', permission);
    }
    const given = compile({ reports: permissions({ view: [role('administrator')] }) }, []);
    assert.equal(given.allows(admin, 'reports:view', undefined, NOW), true);
  });

  for (const permission of [
    'document:burn',
    'document',
    'document:',
    ':edit',
    '',
    'Document:edit',
    'document:edit ',
    'document:edit:edit',
    '__proto__',
    'constructor',
    'document:constructor',
  ]) {
    test(`a question for ${JSON.stringify(permission)} is a wrong call (@asvs 8.2.1)`, () => {
      assert.throws(() => policy.allows(ADA, permission, PAPER, NOW), TypeError);
      assert.throws(() => policy.decide(ADA, permission, PAPER, NOW), TypeError);
    });
  }

  for (const thing of [undefined, null, 'document', 1, true]) {
    test(`a question about ${String(thing)} is a wrong call, a role or not (@asvs 8.2.2)`, () => {
      assert.throws(() => policy.allows(auditor, 'document:read', thing, NOW), TypeError);
      assert.throws(() => policy.decide(auditor, 'document:read', thing, NOW), TypeError);
    });
  }

  test('throws on what a resource throws (@asvs 8.3.1)', () => {
    const broken = Object.defineProperty({ public: false }, 'ownerId', {
      get: () => {
        throw new RangeError('broken');
      },
    });
    assert.throws(() => policy.allows(ADA, 'document:edit', broken, NOW), RangeError);
    assert.throws(() => policy.decide(ADA, 'document:edit', broken, NOW), RangeError);
  });

  test('is not changed by what changes the rules afterwards (@asvs 8.3.1)', () => {
    const edit: Condition<Paper, 'editor', unknown>[] = [role('editor')];
    const rules = { edit };
    const roles = ['editor'];
    const access = { document: resource<Paper>()(rules) };
    const compiled = compile(access, roles);
    edit.push({ state: 'draft' });
    rules.edit = [{ state: 'draft' }];
    access.document = resource<Paper>()({ edit: [{ state: 'draft' }] });
    roles.push('manager');
    assert.equal(compiled.allows(ADA, 'document:edit', PAPER, NOW), false);
    assert.equal(compiled.roles.has('manager'), false);
    assert.equal(Object.isFrozen(compiled), true);
  });
});

describe('rules', () => {
  const BAD = [
    '',
    ' ',
    'a:b',
    'a b',
    '1a',
    '-a',
    '_a',
    'a.b',
    'é',
    'a\n',
    'constructor',
    'toString',
    'valueOf',
    '__proto__',
  ];

  for (const name of BAD) {
    test(`nothing is named ${JSON.stringify(name)} (@asvs 8.2.1)`, () => {
      // Not a literal, in which `__proto__` would be no name.
      const named = <T>(value: T): Record<string, T> => Object.fromEntries([[name, value]]);
      assert.throws(() => compile({}, [name]), TypeError);
      assert.throws(() => compile(named(permissions({}))), TypeError);
      assert.throws(() => compile({ reports: permissions(named([])) }), TypeError);
    });
  }

  for (const name of ['a', 'A', 'line-item', 'line_item', 'report2', 'hasown']) {
    test(`something may be named ${name}`, () => {
      const compiled = compile({ [name]: permissions({ [name]: [role(name)] }) }, [name]);
      assert.deepEqual(compiled.permissions.includes(`${name}:${name}`), true);
    });
  }

  test('do not touch what is built in (@asvs 8.2.1)', () => {
    assert.throws(() => compile({ latchkey: permissions({ admin: [signedIn()] }) }), TypeError);
    assert.throws(() => compile({ latchkey: permissions({ other: [signedIn()] }) }), TypeError);
  });

  test('name declared roles only (@asvs 8.2.1)', () => {
    assert.throws(() => compile({ reports: permissions({ view: [role('manager')] }) }), TypeError);
    assert.throws(() => compile({ reports: permissions({ view: [role('auditor')] }) }, []), TypeError);
  });

  test('say where they are wrong', () => {
    assert.throws(
      () => compile({ reports: permissions({ view: [signedIn(), role('manager')] }) }),
      /reports\.view\[1\].*manager/,
    );
  });

  const odd = (rules: unknown): unknown => ({ document: { needsResource: true, rules } });
  for (const [title, access] of [
    ['one condition instead of a list', odd({ read: { public: true } })],
    ['true instead of a list', odd({ read: true })],
    ['a set instead of a list', odd({ read: new Set([{ public: true }]) })],
    ['a list with a hole', odd({ read: Object.assign([], { length: 1 }) })],
    ['a list instead of actions', odd([{ public: true }])],
    ['no actions', odd(undefined)],
    ['actions that are inherited', odd({ __proto__: { read: [{ public: true }] } })],
    ['rules that nobody made', { document: { rules: { read: [signedIn()] } } }],
    ['null', { document: null }],
    ['inherited', { __proto__: { document: ACCESS.document } }],
    ['missing', undefined],
  ] as const) {
    test(`cannot be ${title} (@asvs 8.2.1)`, () =>
      assert.throws(() => void Reflect.apply(compileAccess, null, [{ roles: ROLES, access }]), TypeError));
  }
});

describe('a decision', () => {
  test('says what became of each rule', () => {
    assert.deepEqual(policy.decide({ ...ADA, roles: ['auditor'] }, 'document:read', PAPER, NOW), {
      allowed: true,
      because: [
        { rule: 'document.read[0]: public is true', matched: false, missing: ['public is true'] },
        { rule: 'document.read[1]: ownerId is me', matched: true, missing: [] },
        { rule: 'document.read[2]: role auditor', matched: true, missing: [] },
      ],
      stepUp: null,
    });
    assert.deepEqual(policy.decide(null, 'document:publish', { ...PAPER, state: 'review' }, NOW), {
      allowed: false,
      because: [
        {
          rule: 'document.publish[0]: role editor and state is "draft" and assurance aal2',
          matched: false,
          missing: ['role editor', 'state is "draft"', 'assurance aal2'],
        },
      ],
      stepUp: null,
    });
    assert.deepEqual(policy.decide(ADA, 'document:shred', PAPER, NOW), {
      allowed: false,
      because: [],
      stepUp: null,
    });
  });

  test('is plain data without anything of the resource', () => {
    const decision = policy.decide(ADA, 'document:read', { ...PAPER, ownerId: 'the-secret-owner' }, NOW);
    assert.deepEqual(JSON.parse(JSON.stringify(decision)), decision);
    assert.doesNotMatch(JSON.stringify(decision), /the-secret-owner/);
  });
});

describe('a step-up', () => {
  const old = { ...ADA, authTime: NOW - 6 * MINUTE };
  const stepUp = (
    subject: Subject | null,
    ...rules: readonly Condition<Paper, 'editor', unknown>[]
  ): unknown =>
    compile({ document: resource<Paper>()({ act: rules }) }).decide(subject, 'document:act', PAPER, NOW)
      .stepUp;

  for (const [title, subject, rules, expected] of [
    ['a longer age', old, [recent('5m')], { acr: null, maxAge: 300 }],
    ['a lower assurance', ADA, [assurance('aal2')], { acr: 'aal2', maxAge: null }],
    ['both', old, [all(assurance('aal2'), recent('5m'))], { acr: 'aal2', maxAge: 300 }],
    [
      'one of both: what is met must be met again',
      ADA,
      [all(assurance('aal2'), recent('5m'))],
      { acr: 'aal2', maxAge: 300 },
    ],
    [
      'the stricter of the same rule',
      old,
      [all(recent('5m'), assurance('aal3'), recent('1m'), assurance('aal2'))],
      { acr: 'aal3', maxAge: 60 },
    ],
    [
      'the rest of the rule being met',
      old,
      [all({ ownerId: me.id }, recent('5m'))],
      { acr: null, maxAge: 300 },
    ],
    ['the weaker of two rules', old, [assurance('aal3'), assurance('aal2')], { acr: 'aal2', maxAge: null }],
    ['the longer of two rules', old, [recent('1m'), recent('5m')], { acr: null, maxAge: 300 }],
    ['none before a higher assurance', old, [assurance('aal2'), recent('1m')], { acr: null, maxAge: 60 }],
    [
      'any age before some age',
      old,
      [all(assurance('aal2'), recent('5m')), assurance('aal2')],
      { acr: 'aal2', maxAge: null },
    ],
    ['nothing, where the resource is not theirs', old, [all({ ownerId: 'eve' }, recent('5m'))], null],
    ['nothing, where a role is missing', old, [all(role('editor'), recent('5m'))], null],
    [
      'the rule that can be reached',
      old,
      [all(role('editor'), recent('5m')), all({ state: 'draft' }, recent('1m'))],
      { acr: null, maxAge: 60 },
    ],
    ['nothing, where it is allowed', ADA, [assurance('aal3'), recent('5m')], null],
    ['nothing, where nobody has signed in', null, [recent('5m')], null],
    ['nothing, where there is no rule', old, [], null],
  ] as const) {
    test(`is offered for ${title} (@asvs 7.5.3)`, () =>
      assert.deepEqual(stepUp(subject, ...rules), expected));
  }

  for (const [age, allowed] of [
    [5 * MINUTE, true],
    [5 * MINUTE + 1, false],
  ] as const) {
    test(`${allowed ? 'is not needed' : 'is needed'} at ${age} ms (@asvs 7.5.3)`, () => {
      const subject = { ...ADA, authTime: NOW - age };
      assert.equal(policy.allows(subject, 'document:remove', PAPER, NOW), allowed);
      assert.deepEqual(
        policy.decide(subject, 'document:remove', PAPER, NOW).stepUp,
        allowed ? null : { acr: null, maxAge: 300 },
      );
    });
  }
});

describe('for any rules', () => {
  const condition: fc.Arbitrary<Condition<Paper, 'auditor' | 'editor', { readonly team: string }>> =
    fc.constantFrom(
      { public: true },
      { ownerId: me.id },
      { ownerId: null },
      { state: oneOf('draft', 'review'), public: false },
      { ownerId: me.field('team') },
      signedIn(),
      role('auditor'),
      role('editor'),
      recent('1m'),
      recent('5m'),
      assurance('aal2'),
      assurance('aal3'),
    );
  const rule = fc.oneof(
    condition,
    fc
      .tuple(condition, condition, condition)
      .map((three) => all<Paper, 'auditor' | 'editor', { readonly team: string }>(...three)),
  );
  const subject = fc.option(
    fc.record<Subject>({
      id: fc.constantFrom('ada', 'eve', ''),
      roles: fc.subarray(['auditor', 'editor', ADMINISTRATOR]),
      fields: fc.constantFrom({}, { team: 'ada' }, { team: null }),
      acr: fc.constantFrom('aal1', 'aal2', 'aal3'),
      authTime: fc.constantFrom(0, MINUTE, MINUTE + 1, 5 * MINUTE, 5 * MINUTE + 1).map((age) => NOW - age),
    }),
  );
  const paper = fc.record<Paper>({
    ownerId: fc.constantFrom('ada', 'eve', '', null),
    public: fc.boolean(),
    state: fc.constantFrom('draft', 'review', 'published'),
  });
  const policyOf = (
    rules: readonly (typeof rule extends fc.Arbitrary<infer Rule> ? Rule : never)[],
  ): AccessPolicy => compile({ document: resource<Paper, { readonly team: string }>()({ act: rules }) });

  test('the answer is the same with reasons and without, and has one where it is yes (@asvs 8.2.1)', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), subject, paper, (rules, who, thing) => {
        const compiled = policyOf(rules);
        const { allowed, because } = compiled.decide(who, 'document:act', thing, NOW);
        assert.equal(compiled.allows(who, 'document:act', thing, NOW), allowed);
        assert.equal(
          because.some(({ matched }) => matched),
          allowed,
        );
        for (const { matched, missing } of because) assert.equal(missing.length === 0, matched);
      }),
    );
  });

  test('a rule more never takes a permission away (@asvs 8.2.1)', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 5 }),
        rule,
        fc.nat(5),
        subject,
        paper,
        (rules, more, at, who, thing) => {
          const before = policyOf(rules).allows(who, 'document:act', thing, NOW);
          const after = policyOf(rules.toSpliced(at, 0, more)).allows(who, 'document:act', thing, NOW);
          assert.equal(before && !after, false);
        },
      ),
    );
  });

  test('the step-up that is named is enough, and where none is named none would be (@asvs 7.5.3)', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), subject, paper, (rules, who, thing) => {
        const compiled = policyOf(rules);
        const { allowed, stepUp } = compiled.decide(who, 'document:act', thing, NOW);
        if (allowed || who === null) {
          assert.equal(stepUp, null);
          return;
        }
        const reached: Subject = {
          ...who,
          acr: stepUp === null ? 'aal3' : (stepUp.acr ?? 'aal1'),
          authTime: stepUp === null ? NOW : NOW - (stepUp.maxAge ?? 1_000_000) * 1_000,
        };
        assert.equal(compiled.allows(reached, 'document:act', thing, NOW), stepUp !== null);
      }),
      { numRuns: 500 },
    );
  });
});
