/*
 * What must compile, and, after each `@ts-expect-error`, what must not: the
 * compiler is the test, and nothing here runs.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { latchkey, type Store } from 'latchkey';
import type {
  AccessPolicy,
  PermissionOf,
  ResourceArgument,
  ResourceOf,
  RoleOf,
  Subject,
} from '../../packages/latchkey/src/access/access.ts';
import {
  all,
  assurance,
  me,
  oneOf,
  recent,
  role,
  signedIn,
} from '../../packages/latchkey/src/access/conditions.ts';
import { permissions, resource } from '../../packages/latchkey/src/access/rules.ts';

type TeamId = string & { readonly brand?: 'team' };

interface Document {
  readonly ownerId: string;
  readonly team: TeamId | null;
  readonly public: boolean;
  readonly state: 'draft' | 'review' | 'published';
  readonly version: number;
  readonly archivedAt?: string | null;
  readonly createdAt: Date;
  readonly tags: readonly string[];
}

interface Invoice {
  readonly customerId: string;
  readonly paid: boolean;
}

type Fields = {
  readonly team: string | null;
  readonly level?: number;
  readonly plan: 'free' | 'pro';
  readonly internal: boolean;
};

const access = {
  document: resource<Document, Fields>()({
    read: [{ public: true }, { ownerId: me.id }, { team: me.field('team') }, role('auditor')],
    edit: [{ ownerId: me.id, state: oneOf('draft', 'review') }],
    remove: [all({ ownerId: me.id }, recent('5m'))],
    publish: [all(role('editor'), { state: 'draft' }, assurance('aal2'))],
    restore: [all(all({ archivedAt: null, version: me.field('level') }, role('archivist')), signedIn())],
    shred: [],
  }),
  invoice: resource<Invoice>()({ pay: [{ customerId: me.id, paid: false }] }),
  reports: permissions({ view: [role('auditor')], export: [all(signedIn(), recent('1h'))] }),
};
type Access = typeof access;
const nothing = {};

type Same<A, B> = [A, B] extends [B, A] ? [] : [never];
declare function same<A, B>(...proof: Same<A, B>): void;

same<
  PermissionOf<Access>,
  | 'latchkey:admin'
  | `document:${'read' | 'edit' | 'remove' | 'publish' | 'restore' | 'shred'}`
  | 'invoice:pay'
  | `reports:${'view' | 'export'}`
>();
same<RoleOf<Access>, 'auditor' | 'editor' | 'archivist'>();
same<ResourceOf<Access, 'document:edit'>, Document>();
same<ResourceOf<Access, 'invoice:pay'>, Invoice>();
same<ResourceOf<Access, 'reports:view'>, undefined>();
same<ResourceOf<Access, 'latchkey:admin'>, undefined>();
same<ResourceArgument<Access, 'document:read' | 'document:edit'>, [resource: Document]>();
same<ResourceArgument<Access, 'reports:view' | 'latchkey:admin'>, []>();
// One that suits each of several permissions, or none at all.
same<ResourceArgument<Access, 'document:read' | 'invoice:pay'>, [resource: Document & Invoice]>();
same<ResourceArgument<Access, 'document:read' | 'reports:view'>, [resource: never]>();
same<PermissionOf<typeof nothing>, 'latchkey:admin'>();
same<RoleOf<typeof nothing>, never>();
// @ts-expect-error: the proof itself can fail
same<RoleOf<Access>, 'auditor'>();

// As the library takes rules, and as it is asked.
declare const place: { readonly url: string; readonly secret: string; readonly store: Store };
declare const user: StandardSchemaV1<Record<string, unknown>, Fields>;
declare const poorer: StandardSchemaV1<Record<string, unknown>, { readonly team: string | null }>;
declare const doc: Document;
declare const invoice: Invoice;
declare const either: 'document:edit' | 'reports:view';
const roles = ['auditor', 'editor', 'archivist'] as const;

const auth = latchkey({ ...place, user, roles, access });
declare const who: Awaited<ReturnType<typeof auth.authenticate>>;
void auth.can(who, 'document:edit', doc);
void auth.can(null, 'invoice:pay', invoice);
void auth.can(who, 'reports:view');
void auth.can(who, 'latchkey:admin');
void latchkey({ ...place, user }).can(who, 'latchkey:admin');
latchkey({ ...place, user, access: { reports: permissions({ view: [role('administrator')] }) } });

// @ts-expect-error: no such action
void auth.can(who, 'document:burn', doc);
// @ts-expect-error: no such resource
void auth.can(who, 'folder:edit', doc);
// @ts-expect-error: an action of another resource
void auth.can(who, 'reports:edit', doc);
// @ts-expect-error: nothing is declared
void latchkey({ ...place, user }).can(who, 'document:edit');
// @ts-expect-error: the resource is missing
void auth.can(who, 'document:edit');
// @ts-expect-error: the resource may not be there
void auth.can(who, 'document:edit', Math.abs(1) > 0 ? doc : null);
// @ts-expect-error: a resource of another type
void auth.can(who, 'document:edit', invoice);
// @ts-expect-error: there is no resource to this
void auth.can(who, 'reports:view', doc);
// @ts-expect-error: one of them needs a resource
void auth.can(who, either);

// @ts-expect-error: roles that are not declared
latchkey({ ...place, user, roles: ['auditor', 'editor'], access });
// @ts-expect-error: no role is declared
latchkey({ ...place, user, access });
// @ts-expect-error: users without the fields that rules read
latchkey({ ...place, user: poorer, roles, access });

const of = resource<Document, Fields>();
// @ts-expect-error: no such attribute
of({ read: [{ ownr: me.id }] });
// @ts-expect-error: no such attribute, beside one that there is
of({ read: [{ ownerId: me.id, ownr: me.id }] });
// @ts-expect-error: no such attribute, inside
of({ read: [all({ ownerId: me.id, ownr: me.id }, signedIn())] });
// @ts-expect-error: no such attribute, deep inside
of({ read: [all(all({ ownerId: me.id, ownr: me.id }), signedIn())] });
// @ts-expect-error: the name of a condition is no attribute
of({ read: [{ role: 'auditor' }] });
// @ts-expect-error: a value of another type
of({ read: [{ public: 'true' }] });
// @ts-expect-error: a value that it never has
of({ read: [{ state: 'gone' }] });
// @ts-expect-error: a value that it never has, among others
of({ read: [{ state: oneOf('draft', 'gone') }] });
// @ts-expect-error: a value that it never has, inside
of({ read: [all({ state: 'gone' }, signedIn())] });
// @ts-expect-error: undefined is not a value
of({ read: [{ archivedAt: undefined }] });
// @ts-expect-error: null is not a value of this one
of({ read: [{ ownerId: null }] });
// @ts-expect-error: a date cannot be compared
of({ read: [{ createdAt: new Date(0) }] });
// @ts-expect-error: a list cannot be compared
of({ read: [{ tags: ['a'] }] });
// @ts-expect-error: an element is not the list
of({ read: [{ tags: 'a' }] });
// @ts-expect-error: an id is no number
of({ read: [{ version: me.id }] });
// @ts-expect-error: an id is no number, inside
of({ read: [all({ version: me.id }, signedIn())] });
// @ts-expect-error: an id is not true or false
of({ read: [{ public: me.id }] });
// @ts-expect-error: a user has no such field
of({ read: [{ team: me.field('teem') }] });
// @ts-expect-error: a user has no such field, inside
of({ read: [all({ team: me.field('teem') }, signedIn())] });
// @ts-expect-error: the field is of another type
of({ read: [{ team: me.field('level') }] });
// @ts-expect-error: the field has none of its values
of({ read: [{ state: me.field('plan') }] });
// @ts-expect-error: true and false name nobody
of({ read: [{ public: me.field('internal') }] });
// @ts-expect-error: the fields of users were not given
resource<Document>()({ read: [{ team: me.field('team') }] });
// @ts-expect-error: a condition instead of a list
of({ read: { public: true } });
// @ts-expect-error: true is no condition
of({ read: [true] });
// @ts-expect-error: all of nothing is everybody
of({ read: [all()] });
// @ts-expect-error: no such assurance
of({ read: [assurance('aal4')] });
// @ts-expect-error: not a duration
of({ read: [recent('5 minutes')] });
// @ts-expect-error: a resource is an object
resource<string>();
// @ts-expect-error: there are no attributes without a resource
permissions({ view: [{ public: true }] });
// @ts-expect-error: there are no attributes without a resource, inside either
permissions({ view: [all({ public: true }, signedIn())] });
// @ts-expect-error: no attributes at all are no condition
permissions({ view: [{}] });

declare const policy: AccessPolicy;
declare const subject: Subject;
same<ReturnType<AccessPolicy['allows']>, boolean>();
// @ts-expect-error: a decision is no answer
const answer: boolean = policy.decide(subject, 'document:edit', doc, 0);

export { answer };
