import { sqlite } from 'latchkey';
import { folder } from './scene.ts';
import { userRaces } from './user-races.ts';

userRaces('SQLite', async () => {
  const { file, remove } = await folder();
  return { store: () => sqlite(file), drop: remove };
});
