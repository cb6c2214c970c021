import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import {
  type JsonSchema,
  limits,
  type OpenApiDocument,
  parameter,
  properties,
  schema,
  typeLabel,
} from './openapi.ts';

const DOCUMENT: OpenApiDocument = {
  info: { title: 'T', version: '1' },
  paths: {},
  components: {
    parameters: { 'a/b~c': { name: 'cursor', in: 'query' } },
    schemas: {
      Id: { type: 'string', description: 'An id' },
      Alias: { $ref: '#/components/schemas/Id' },
      Loop: { $ref: '#/components/schemas/Loop' },
      List: { type: 'array', items: { $ref: '#/components/schemas/List' } },
      Base: { type: 'object', required: ['id'], properties: { id: { $ref: '#/components/schemas/Id' } } },
      Self: { allOf: [{ $ref: '#/components/schemas/Self' }], properties: { a: true } },
    },
  },
};

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

describe('a reference', () => {
  test('is followed through others, and a description beside it wins', () => {
    assert.equal(schema(DOCUMENT, ref('Alias')).type, 'string');
    assert.equal(schema(DOCUMENT, ref('Alias')).description, 'An id');
    assert.equal(schema(DOCUMENT, { ...ref('Alias'), description: 'Whose' }).description, 'Whose');
  });

  test('to a name with a slash or a tilde is found (RFC 6901 §4)', () => {
    assert.equal(parameter(DOCUMENT, { $ref: '#/components/parameters/a~1b~0c' })?.name, 'cursor');
  });

  const NOWHERE = [
    '#/components/schemas/Loop',
    '#/components/schemas/None',
    '#/components/schemas/toString',
    '#/components/headers/Id',
    'https://evil.example/schema.json',
  ];
  for (const $ref of NOWHERE) {
    test(`to ${$ref} stands for any value, and nothing is asked for it`, () => {
      assert.deepEqual(schema(DOCUMENT, { $ref }), {});
    });
  }
});

const LABELS: readonly [value: JsonSchema, label: string][] = [
  [{ type: 'string' }, 'string'],
  [{ type: 'string', format: 'email' }, 'string (email)'],
  [{ type: ['string', 'null'], format: 'email' }, 'string (email) or null'],
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string or null'],
  [{ oneOf: [ref('Id'), ref('Base')] }, 'string or object'],
  [{ enum: ['a', 1] }, '"a" or 1'],
  [{ const: 'a' }, '"a"'],
  [{ type: 'array', items: { type: 'string' } }, 'list of string'],
  [{ type: 'array', items: [{ type: 'string' }] }, 'list'],
  [schema(DOCUMENT, ref('List')), 'list of list of list of list of list'],
  [{ properties: {} }, 'object'],
  [{}, 'any value'],
];

for (const [value, label] of LABELS) {
  test(`a schema is called "${label}"`, () => {
    assert.equal(typeLabel(DOCUMENT, value), label);
  });
}

const LIMITS: readonly [value: JsonSchema, said: string | null][] = [
  [{}, null],
  [{ minLength: 15 }, 'at least 15 characters'],
  [{ maxLength: 254 }, 'at most 254 characters'],
  [{ minLength: 22, maxLength: 22 }, 'exactly 22 characters'],
  [{ minimum: 1, maximum: 200, default: 50 }, '1 to 200, default 50'],
  [{ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, null],
];

for (const [value, said] of LIMITS) {
  test(`bounds are said as ${said ?? 'nothing'}`, () => {
    assert.equal(limits(value), said);
  });
}

test('the properties of an object are its own and those that it is made of, without end only where it ends', () => {
  const made = { allOf: [ref('Base')], required: ['b'], properties: { b: { type: 'string' } } };
  assert.deepEqual(
    properties(DOCUMENT, made).map(({ name, required }) => [name, required]),
    [
      ['id', true],
      ['b', true],
    ],
  );
  assert(properties(DOCUMENT, schema(DOCUMENT, ref('Self'))).every(({ name }) => name === 'a'));
});

test('what zod writes of our own schemas can be read', () => {
  const shape = z.object({ email: z.string().max(254).describe('the address'), limit: z.int().nullish() });
  const written: JsonSchema = z.toJSONSchema(shape, { target: 'draft-2020-12', io: 'input' });
  assert.deepEqual(
    properties(DOCUMENT, written).map((one) => [
      one.name,
      typeLabel(DOCUMENT, one.schema),
      limits(one.schema),
      one.required,
    ]),
    [
      ['email', 'string', 'at most 254 characters', true],
      ['limit', 'integer or null', null, false],
    ],
  );
});
