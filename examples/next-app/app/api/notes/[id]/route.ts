import { route } from '../../../../auth.ts';
import { findNote, type Note, removeNote } from '../../../../notes.ts';

interface Context {
  readonly params: Promise<{ readonly id: string }>;
}

const load = async (_request: Request, { params }: Context): Promise<Note | null> =>
  findNote((await params).id);

export const GET = route.may('note:read', load, (_request, { resource }) => Response.json(resource));

export const DELETE = route.may('note:remove', load, (_request, { resource }) => {
  removeNote(resource.id);
  return new Response(null, { status: 204 });
});
