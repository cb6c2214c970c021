import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type OpenApiDocument, referencePage } from './reference.ts';

const CREDENTIALS = {
  type: 'object',
  required: ['email'],
  properties: {
    email: { type: 'string', format: 'email', description: 'The `address`.' },
    client: { type: 'string' },
  },
};

const DOCUMENT: OpenApiDocument = {
  info: { title: 'An API', version: '1.2.3', description: 'First.\n\nSecond.' },
  tags: [{ name: 'People', description: 'In and out.' }, { name: 'Nobody' }],
  paths: {
    '/health/live': {
      get: { summary: 'Lives, as `up` says', security: [], responses: { '200': { description: 'It runs' } } },
    },
    '/auth/sign-in': {
      post: {
        tags: ['People'],
        summary: 'Signs in',
        requestBody: {
          content: {
            'application/json': { schema: CREDENTIALS },
            'application/x-www-form-urlencoded': { schema: CREDENTIALS },
          },
        },
        responses: {
          '200': {
            description: 'Signed in',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/User' } } },
          },
          '401': { $ref: '#/components/responses/Refused' },
          '418': { $ref: '#/components/responses/None' },
        },
      },
    },
    '/auth/sessions': {
      get: {
        tags: ['Sessions'],
        security: [{ cookie: [] }, { edge: [], jwt: ['admin'] }],
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', default: 50 } },
          { $ref: '#/components/parameters/cursor' },
        ],
        responses: {},
      },
      delete: { tags: ['Sessions'], security: [{}, { basic: [] }, { unnamed: [] }], responses: {} },
    },
  },
  components: {
    securitySchemes: {
      cookie: { type: 'apiKey', in: 'cookie', name: 'sid', description: 'the `session`' },
      edge: { type: 'apiKey', in: 'header', name: 'X-Edge' },
      jwt: { type: 'http', scheme: 'bearer', description: 'a token' },
      basic: { type: 'http', scheme: 'basic' },
    },
    parameters: {
      cursor: { name: 'cursor', in: 'query', required: true, description: 'From the page before.' },
    },
    responses: { Refused: { description: 'The address or the password is wrong' } },
    schemas: {
      User: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          manager: { $ref: '#/components/schemas/User' },
          roles: { type: 'array', items: { type: 'object', properties: { role_name: { type: 'string' } } } },
          contact: {
            anyOf: [{ type: 'object', properties: { phone: { type: 'string' } } }, { type: 'null' }],
          },
        },
      },
    },
  },
};

const PAGE = referencePage({ brand: 'Acme', signedInAs: null, document: DOCUMENT });

/** The part of the page about one operation. */
function operation(id: string): string {
  return (
    PAGE.split('<details class="operation card">').find((part) => part.includes(`id="${id}"`)) ??
    assert.fail(id)
  );
}

describe('the API reference', () => {
  test('groups by tag, in the order of the tags, then of the paths; an empty group is left out', () => {
    const groups = [...PAGE.matchAll(/<h2 id="([^"]+)">([^<]+)<\/h2>/g)].map(([, id, name]) => [id, name]);
    assert.deepEqual(groups, [
      ['tag-people', 'People'],
      ['tag-other', 'Other'],
      ['tag-sessions', 'Sessions'],
    ]);
  });

  test('has a table of contents that leads to each operation, inside of what unfolds', () => {
    const nav = /<nav class="contents"[\s\S]*?<\/nav>/.exec(PAGE)?.[0] ?? '';
    const targets = [...nav.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? '');
    assert.deepEqual(targets, [
      'tag-people',
      'post-auth-sign-in',
      'tag-other',
      'get-health-live',
      'tag-sessions',
      'get-auth-sessions',
      'delete-auth-sessions',
    ]);
    for (const id of targets.filter((one) => !one.startsWith('tag-'))) {
      assert.match(operation(id), new RegExp(`</summary>\\s*<div class="operation-body" id="${id}">`));
    }
  });

  test('says of each field its name, its type, whether it must be there and what it is', () => {
    const body = operation('post-auth-sign-in');
    assert.match(
      body,
      /<dt><code>email<\/code><\/dt>\s*<dd><p class="type">string \(email\) <span class="required">required<\/span><\/p>\s*<div class="prose"><p>The <code>address<\/code>\.<\/p><\/div>/,
    );
    assert.match(body, /<dt><code>client<\/code><\/dt>\s*<dd><p class="type">string<\/p>/);
  });

  test('shows once what a program and a form may both send', () => {
    const body = operation('post-auth-sign-in');
    assert.equal(body.split('<code>email</code>').length - 1, 1);
    assert.match(body, /<code>application\/json<\/code> <code>application\/x-www-form-urlencoded<\/code>/);
  });

  test('says of each operation by which credential it may be asked, and of none where none is named', () => {
    const credential = (id: string): string =>
      (/<h4>Credential<\/h4>(.*?)(?:<h4>|<\/div>)/s.exec(operation(id))?.[1] ?? 'nothing').replaceAll(
        /\s*\n\s*/g,
        '',
      );
    assert.equal(credential('get-health-live'), '<p>None.</p>');
    assert.equal(
      credential('get-auth-sessions'),
      '<p>One of these:</p><ul class="credentials">' +
        '<li><code>Cookie: sid</code>: the <code>session</code></li>' +
        '<li><code>X-Edge</code>, and <code>Authorization: Bearer</code>: a token, with the permission <code>admin</code></li></ul>',
    );
    assert.equal(
      credential('delete-auth-sessions'),
      '<p>None, or one of these, depending on what is asked:</p><ul class="credentials">' +
        '<li><code>Authorization: Basic</code></li><li><code>unnamed</code></li></ul>',
    );
    assert.equal(credential('post-auth-sign-in'), 'nothing');
  });

  test('shows code in a summary as code', () => {
    assert(operation('get-health-live').includes('<span class="soft">Lives, as <code>up</code> says</span>'));
  });

  test('says of each parameter where it stands', () => {
    const body = operation('get-auth-sessions');
    assert.match(body, /<code>limit<\/code><\/dt>\s*<dd><p class="type">query, integer, default 50<\/p>/);
    assert.match(
      body,
      /<code>cursor<\/code><\/dt>\s*<dd><p class="type">query, any value <span class="required">/,
    );
    assert(body.includes('<p>From the page before.</p>'));
  });

  test('lists the responses by code, with what references stand for', () => {
    const codes = [
      ...operation('post-auth-sign-in').matchAll(/<span class="code c\d">(\d+)<\/span> ([^<]+)</g),
    ];
    assert.deepEqual(
      codes.map(([, code, text]) => [code, text]),
      [
        ['200', 'Signed in'],
        ['401', 'The address or the password is wrong'],
        ['418', 'Not described'],
      ],
    );
  });

  test('shows fields within fields, in lists and in alternatives, and an object within itself once', () => {
    const body = operation('post-auth-sign-in');
    for (const name of ['role_name', 'phone', 'manager', 'id']) {
      assert.equal(body.split(`<dt><code>${name}</code></dt>`).length - 1, 1, name);
    }
  });

  test('is finished also for a schema that never ends', () => {
    const endless: OpenApiDocument = {
      ...DOCUMENT,
      components: {
        ...DOCUMENT.components,
        schemas: { User: { type: 'array', items: { $ref: '#/components/schemas/User' } } },
      },
    };
    assert.match(referencePage({ brand: 'Acme', signedInAs: null, document: endless }), /<\/html>\s*$/);
  });

  test('breaks descriptions at empty lines', () => {
    assert(PAGE.includes('<p>First.</p><p>Second.</p>'));
  });
});
