import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { all, assurance, me, oneOf, recent, role, signedIn } from './conditions.ts';
import { type Demand, demandsOf, entriesOf, type Subject } from './demands.ts';

const NOW = 1_800_000_000_000;
const ADA: Subject = {
  id: 'ada',
  roles: ['editor'],
  fields: { team: 'blue', level: 3, nickname: '', boss: null, nobody: undefined },
  acr: 'aal1',
  authTime: NOW,
};
const SURROUNDINGS = {
  rule: 'document.read[0]',
  needsResource: true,
  roles: new Set(['administrator', 'editor', 'auditor', '__proto__']),
};

const demands = (condition: unknown): readonly Demand[] => demandsOf(condition, SURROUNDINGS);
const holds = (condition: unknown, resource: unknown, subject: Subject | null = ADA, now = NOW): boolean =>
  demands(condition).every((demand) => demand.holds(subject, resource, now));
/** As it comes from outside: `__proto__` is a key like any other. */
const parsed = (text: string): unknown => JSON.parse(text);

const boxed = (text: string): unknown => Object(text);
const inherited: unknown = Reflect.get(Object.prototype, 'toString');

describe('attributes', () => {
  for (const [title, condition, resource, expected] of [
    ['the same text is equal', { state: 'draft' }, { state: 'draft' }, true],
    ['other text is not', { state: 'draft' }, { state: 'Draft' }, false],
    ['each of them must be equal', { state: 'draft', version: 1 }, { state: 'draft', version: 2 }, false],
    ['what is not asked for does not matter', { state: 'draft' }, { state: 'draft', more: 1 }, true],
    ['text is no number', { version: 1 }, { version: '1' }, false],
    ['1 is not true', { public: true }, { public: 1 }, false],
    ['the text "true" is not true', { public: true }, { public: 'true' }, false],
    ['a number is no bigint', { version: 1n }, { version: 1 }, false],
    ['a bigint is a bigint', { version: 1n }, { version: 1n }, true],
    ['null is null', { archivedAt: null }, { archivedAt: null }, true],
    ['undefined is not null', { archivedAt: null }, { archivedAt: undefined }, false],
    ['a missing attribute is not null', { archivedAt: null }, {}, false],
    ['a missing attribute is not false', { public: false }, {}, false],
    ['a missing attribute is not 0', { version: 0 }, {}, false],
    ['NaN is no number', { version: 0 }, { version: Number.NaN }, false],
    ['a date is not its number', { version: 5 }, { version: new Date(5) }, false],
    ['a date is not its text', { state: '1970' }, { state: new Date(0) }, false],
    ['an array is not what is in it', { state: 'draft' }, { state: ['draft'] }, false],
    ['an object is not its text', { state: 'draft' }, { state: { toString: () => 'draft' } }, false],
    ['one of several', { state: oneOf('draft', 'review') }, { state: 'review' }, true],
    ['none of several', { state: oneOf('draft', 'review') }, { state: 'published' }, false],
    ['an array is not one of several', { state: oneOf('draft', 'review') }, { state: ['draft'] }, false],
    ['a missing attribute is not one of several', { state: oneOf('draft', null) }, {}, false],
    ['null may be one of several', { state: oneOf('draft', null) }, { state: null }, true],
    ['a name with a dot is a name', { 'a.b': 1 }, { 'a.b': 1 }, true],
    ['a name with a dot leads nowhere', { 'a.b': 1 }, { a: { b: 1 } }, false],
    ['a list of resources has no attributes', { state: 'draft' }, [{ state: 'draft' }], false],
    ['a list has only its length', { length: 1 }, [1], true],
  ] as const) {
    test(`${title} (@asvs 8.2.2)`, () => assert.equal(holds(condition, resource), expected));
  }

  for (const [title, resource] of [
    ['null', null],
    ['undefined', undefined],
    ['text', 'draft'],
    ['a number', 1],
    ['a function', () => true],
  ] as const) {
    test(`${title} has none (@asvs 8.2.2)`, () => {
      assert.equal(holds({ length: 5 }, resource), false);
      assert.equal(holds({ name: 'resource' }, resource), false);
    });
  }

  test('that are inherited are none (@asvs 8.2.2)', () => {
    class Shared {
      get public(): boolean {
        return true;
      }
    }
    assert.equal(holds({ public: true }, Object.create({ public: true })), false);
    assert.equal(holds({ public: true }, new Shared()), false);
    assert.equal(holds({ public: true }, parsed('{"__proto__":{"public":true}}')), false);
    assert.equal(holds({ public: true }, { __proto__: { public: true } }), false);
  });

  test('may have the names that every object inherits, if they are its own (@asvs 8.2.2)', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const condition = parsed(`{"${name}":"draft"}`);
      assert.equal(holds(condition, {}), false, name);
      assert.equal(holds(condition, parsed(`{"${name}":"draft"}`)), true, name);
      assert.equal(holds(condition, parsed(`{"${name}":"other"}`)), false, name);
    }
  });

  test('need no prototype', () => {
    assert.equal(holds({ state: 'draft' }, Object.assign(Object.create(null), { state: 'draft' })), true);
  });

  test('that throw when they are looked at throw on (@asvs 8.2.2)', () => {
    const broken = {
      get public(): boolean {
        throw new RangeError('broken');
      },
    };
    const trap = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new RangeError('broken');
        },
      },
    );
    assert.throws(() => holds({ public: true }, broken), RangeError);
    assert.throws(() => holds({ public: true }, trap), RangeError);
    const { proxy, revoke } = Proxy.revocable({ public: true }, {});
    revoke();
    assert.throws(() => holds({ public: true }, proxy), TypeError);
  });

  test('are read from a proxy as from what it stands for', () => {
    assert.equal(holds({ public: true }, new Proxy({ public: true }, {})), true);
    // A trap that answers to every name has none of its own.
    assert.equal(holds({ public: true }, new Proxy({}, { get: () => true })), false);
  });

  test('are asked for as they were when the rule was read', () => {
    const condition = { state: 'draft' };
    const [demand] = demands(condition);
    condition.state = 'published';
    assert.equal(demand?.holds(ADA, { state: 'draft' }, NOW), true);
    assert.equal(demand.holds(ADA, { state: 'published' }, NOW), false);
  });
});

describe('me', () => {
  for (const [title, ownerId] of [
    ['nothing', undefined],
    ['null', null],
    ['empty text', ''],
    ['another', 'eve'],
    ['a part', 'ad'],
    ['more', 'adam'],
    ['another case', 'ADA'],
    ['a space more', 'ada '],
    ['a zero byte more', 'ada\0'],
    ['letters that look alike', 'аda'],
    ['a list', ['ada']],
    ['a text in an object', boxed('ada')],
    ['an object that says so', { toString: () => 'ada', valueOf: () => 'ada' }],
    ['an operator of a query', { $ne: null }],
    ['0', 0],
    ['NaN', Number.NaN],
    ['true', true],
    ['a date', new Date(0)],
  ] as const) {
    test(`${title} is not my id (@asvs 8.2.2)`, () =>
      assert.equal(holds({ ownerId: me.id }, { ownerId }), false));
    test(`${title} is nobody's id (@asvs 8.2.2)`, () =>
      assert.equal(holds({ ownerId: me.id }, { ownerId }, null), false));
  }

  test('my own is mine (@asvs 8.2.2)', () => {
    assert.equal(holds({ ownerId: me.id }, { ownerId: 'ada' }), true);
    assert.equal(holds({ ownerId: me.id }, {}), false);
    assert.equal(holds({ ownerId: me.id }, Object.create({ ownerId: 'ada' })), false);
  });

  test('an empty id owns nothing (@asvs 8.2.2)', () => {
    assert.equal(holds({ ownerId: me.id }, { ownerId: '' }, { ...ADA, id: '' }), false);
  });

  for (const id of ['__proto__', 'constructor', 'null', 'undefined', '[object Object]', 'NaN', '0']) {
    test(`the id ${id} owns what names it, and nothing else (@asvs 8.2.2)`, () => {
      const subject = { ...ADA, id };
      assert.equal(holds({ ownerId: me.id }, { ownerId: id }, subject), true);
      for (const ownerId of [undefined, null, {}, Number.NaN, 0, Object, Object.prototype]) {
        assert.equal(holds({ ownerId: me.id }, { ownerId }, subject), false);
      }
    });
  }

  for (const [title, field, value, expected] of [
    ['the same text', 'team', 'blue', true],
    ['other text', 'team', 'red', false],
    ['the same number', 'level', 3, true],
    ['a number as text', 'level', '3', false],
    ['empty text, twice', 'nickname', '', false],
    ['null, twice', 'boss', null, false],
    ['undefined, twice', 'nobody', undefined, false],
    ['a field that there is not', 'missing', undefined, false],
    ['what every object inherits', 'toString', inherited, false],
    ['the prototype', '__proto__', Object.prototype, false],
  ] as const) {
    test(`a field: ${title} is ${expected ? '' : 'not '}equal (@asvs 8.2.2)`, () => {
      assert.equal(holds({ value: me.field(field) }, { value }), expected);
      assert.equal(holds({ value: me.field(field) }, { value }, null), false);
    });
  }

  test('a field that is inherited is none (@asvs 8.2.2)', () => {
    class Fields {
      readonly [name: string]: unknown;
      get team(): string {
        return 'blue';
      }
    }
    const subject = { ...ADA, fields: new Fields() };
    assert.equal(subject.fields.team, 'blue');
    assert.equal(holds({ team: me.field('team') }, { team: 'blue' }, subject), false);
  });
});

describe('who asks', () => {
  test('is nobody, who has no role, no assurance and never proved anything (@asvs 8.2.1)', () => {
    for (const condition of [signedIn(), role('editor'), recent('5m'), assurance('aal1')]) {
      assert.equal(holds(condition, {}, null), false);
    }
  });

  test('nobody still sees what is for all (@asvs 8.2.1)', () => {
    assert.equal(holds({ public: true }, { public: true }, null), true);
    assert.equal(holds(all({ public: true }, signedIn()), { public: true }, null), false);
  });

  test('has the role by its whole name (@asvs 8.2.1)', () => {
    assert.equal(holds(role('editor'), {}), true);
    assert.equal(holds(role('auditor'), {}), false);
    for (const held of ['Editor', 'editor ', 'sub-editor', 'edit', '', '__proto__', 'constructor']) {
      assert.equal(holds(role('editor'), {}, { ...ADA, roles: [held] }), false, held);
    }
  });

  test('has no role by inheritance (@asvs 8.2.1)', () => {
    assert.equal(holds(role('__proto__'), {}, { ...ADA, roles: [] }), false);
  });

  test('a text where roles should be lets nobody in (@asvs 8.2.1)', () => {
    const subject: Subject = Object.assign({ ...ADA }, parsed('{"roles":"sub-editors"}'));
    assert.throws(() => holds(role('editor'), {}, subject), TypeError);
  });

  test('has signed in', () => assert.equal(holds(signedIn(), {}), true));

  for (const [acr, least, expected] of [
    ['aal1', 'aal1', true],
    ['aal1', 'aal2', false],
    ['aal2', 'aal1', true],
    ['aal2', 'aal2', true],
    ['aal2', 'aal3', false],
    ['aal3', 'aal2', true],
  ] as const) {
    test(`${acr} is ${expected ? '' : 'not '}enough for ${least} (@asvs 7.5.3)`, () =>
      assert.equal(holds(assurance(least), {}, { ...ADA, acr }), expected));
  }

  test('an assurance that nobody knows is none (@asvs 6.8.4, 7.5.3)', () => {
    for (const acr of ['aal4', 'AAL3', '', 'constructor', null, undefined]) {
      const subject: Subject = Object.assign({ ...ADA }, { acr });
      assert.equal(holds(assurance('aal1'), {}, subject), false);
    }
  });

  for (const [title, age, expected] of [
    ['just now', 0, true],
    ['exactly five minutes ago', 300_000, true],
    ['a millisecond longer ago', 300_001, false],
    ['on a node whose clock is 30 s ahead', -30_000, true],
    ['in the future', -30_001, false],
    ['at no time', Number.NaN, false],
  ] as const) {
    test(`who proved it ${title} is ${expected ? '' : 'not '}recent within five minutes (@asvs 7.5.3)`, () =>
      assert.equal(holds(recent('5m'), {}, { ...ADA, authTime: NOW - age }), expected));
  }
});

describe('a condition', () => {
  test('all() holds where each does, however deep', () => {
    const condition = all(all({ ownerId: me.id }, role('editor')), recent('1m'));
    assert.deepEqual(
      demands(condition).map(({ text }) => text),
      ['ownerId is me', 'role editor', 'authenticated within 1m'],
    );
    assert.equal(holds(condition, { ownerId: 'ada' }), true);
    assert.equal(holds(condition, { ownerId: 'eve' }), false);
    assert.equal(holds(condition, { ownerId: 'ada' }, { ...ADA, roles: [] }), false);
    assert.equal(holds(condition, { ownerId: 'ada' }, ADA, NOW + 60_001), false);
  });

  test('says what it asks for', () => {
    const condition = {
      a: 'x"y',
      b: 1,
      c: 2n,
      d: null,
      e: oneOf('x', true),
      f: me.field('team'),
    };
    assert.deepEqual(
      demands(condition).map(({ text }) => text),
      ['a is "x\\"y"', 'b is 1', 'c is 2n', 'd is null', 'e is one of "x", true', 'f is my team'],
    );
  });

  for (const [title, condition] of [
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['text', 'public'],
    ['a function', () => true],
    ['no attributes', {}],
    ['attributes that are inherited', { __proto__: { public: true } }],
    ['a list', []],
    ['a list of conditions', [{ public: true }]],
    ['an instance', new Date(0)],
    ['attributes that a prototype adds', Object.assign(Object.create({ ownerId: 1 }), { public: true })],
    ['a symbol among attributes', { public: true, [Symbol('ownerId')]: 1 }],
    ['an undefined value', { public: undefined }],
    ['a list of values', { state: ['draft'] }],
    ['an object as a value', { state: { $ne: 'draft' } }],
    ['a date as a value', { at: new Date(0) }],
    ['NaN as a value', { version: Number.NaN }],
    ['NaN among values', { version: oneOf(1, Number.NaN) }],
    ['a condition as a value', { state: role('editor') }],
    ['an operand as a condition', me.id],
    ['a role that is not declared', role('manager')],
    ['a role of the prototype', role('constructor')],
    ['an undeclared role inside', all({ public: true }, all(role('manager')))],
    ['nothing inside', all({ public: true }, {})],
  ] as const) {
    test(`cannot be ${title} (@asvs 8.2.1)`, () => assert.throws(() => demands(condition), TypeError));
  }

  test('cannot be all() of nothing, or an assurance that there is not (@asvs 8.2.1)', () => {
    assert.throws(() => demands(Reflect.apply(all, null, [])), TypeError);
    assert.throws(() => demands(Reflect.apply(assurance, null, ['aal9'])), TypeError);
    assert.throws(() => demands(Reflect.apply(oneOf, null, [{ state: ['draft'] }])), TypeError);
  });

  test('about attributes needs a resource', () => {
    const surroundings = { ...SURROUNDINGS, needsResource: false };
    assert.throws(() => demandsOf({ public: true }, surroundings), TypeError);
    assert.throws(() => demandsOf(all(signedIn(), { public: true }), surroundings), TypeError);
    assert.equal(demandsOf(signedIn(), surroundings).length, 1);
  });
});

describe('entries', () => {
  test('are the own ones, hidden ones too', () => {
    const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2, enumerable: false });
    assert.deepEqual(entriesOf(hidden, 'it'), [
      ['a', 1],
      ['b', 2],
    ]);
  });
});
