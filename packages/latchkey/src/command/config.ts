import { Command } from 'commander';
import { readSettings } from '../environment.ts';
import { latchkey } from '../latchkey.ts';

/** `latchkey config` */
export function configCommand(): Command {
  return new Command('config')
    .description('print what is in force, and where each value comes from')
    .option('--json', 'for scripts')
    .action(async (options: { readonly json?: true }) => {
      const {
        options: given,
        sources,
        port,
        host,
        database,
      } = await readSettings(process.env, process.cwd());
      const variable = (name: string): string => ((process.env[name] ?? '') === '' ? 'default' : name);
      const lines = [
        // Composed and not only parsed, so that what a start would refuse is refused here too.
        ...latchkey(given).config.explanation.map(({ name, value, source }) => ({
          name,
          value,
          source: sources.get(name) ?? source,
        })),
        { name: 'port', value: String(port), source: variable('PORT') },
        { name: 'host', value: host, source: variable('HOST') },
        { name: 'database', value: database, source: variable('LATCHKEY_DATABASE_URL') },
      ];
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify(lines, null, 2)}\n`);
        return;
      }
      const width = (pick: (line: (typeof lines)[number]) => string): number =>
        Math.max(...lines.map((line) => pick(line).length));
      const names = width((line) => line.name);
      const values = width((line) => line.value);
      for (const { name, value, source } of lines) {
        process.stdout.write(`${name.padEnd(names)}  ${value.padEnd(values)}  ${source}\n`);
      }
    });
}
