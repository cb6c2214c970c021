import { z } from 'zod';

/** What a caller writes. */
export const NoteText = z.strictObject({ text: z.string().trim().min(1).max(2_000) });

/** What is kept. */
export const Note = z.object({ id: z.string(), ownerId: z.string(), ...NoteText.shape }).readonly();
export type Note = z.infer<typeof Note>;

const schema = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string): object => ({ content: { 'application/json': { schema: schema(name) } } });
const answer = (description: string, name?: string): object => ({
  description,
  ...(name === undefined ? {} : json(name)),
});
const refusals = Object.fromEntries(
  ['400 not valid', '401 no token that is good here', '403 not yours', '404 not there'].map((line) => [
    line.slice(0, 3),
    answer(line.slice(4)),
  ]),
);
/** What the API says of itself. */
export function describe(origin: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Notes', version: '1.0.0' },
    servers: [{ url: origin }],
    security: [{ token: [] }],
    paths: {
      '/notes': {
        get: { summary: 'Your notes', responses: { 200: answer('a list', 'Notes'), ...refusals } },
        post: {
          summary: 'A new one',
          requestBody: json('NoteText'),
          responses: { 201: answer('kept', 'Note'), ...refusals },
        },
      },
      '/notes/{id}': {
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        get: { summary: 'One of yours', responses: { 200: answer('a note', 'Note'), ...refusals } },
        put: {
          summary: 'Another text',
          requestBody: json('NoteText'),
          responses: { 200: answer('kept', 'Note'), ...refusals },
        },
        delete: { summary: 'Away with it', responses: { 204: answer('gone'), ...refusals } },
      },
    },
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token for the audience notes, from /auth/token',
        },
      },
      schemas: {
        Note: z.toJSONSchema(Note),
        NoteText: z.toJSONSchema(NoteText),
        Notes: z.toJSONSchema(z.object({ items: z.array(Note) })),
      },
    },
  };
}
