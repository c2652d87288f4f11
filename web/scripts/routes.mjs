// Writes dist/browser/routes.json: for each page the files that the browser will need, for `modulepreload`.
// The gateway reads it; its format is described in docs/web.md.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { outputs } = JSON.parse(await readFile(join(root, 'dist/stats.json'), 'utf8'));
const table = await readFile(join(root, 'src/app/app.routes.ts'), 'utf8');

/** The output file that `source` is the entry of, and what it imports, in the order of loading. */
function filesOf(source) {
  const entry = Object.keys(outputs).find((name) => outputs[name].entryPoint === source);
  if (!entry) throw new Error(`no output for ${source}`);
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const item of outputs[name]?.imports ?? []) if (item.kind === 'import-statement') visit(item.path);
  };
  visit(entry);
  return [...seen];
}

const main = filesOf('src/main.ts');
const only = (source) => filesOf(source).filter((name) => !main.includes(name));
const routes = [];
for (const [, path, module] of table.matchAll(/path: '([^']*)'.*?import\('\.\/([^']+)'\)/g)) {
  const source = `src/app/${module}.ts`;
  routes.push({ path: `/${path}`, files: only(source) });
}
const names = await readdir(join(root, 'dist/browser'));
const media = await readdir(join(root, 'dist/browser/media'));
const result = {
  main,
  styles: names.filter((name) => /^styles-.*\.css$/.test(name)),
  fonts: media.filter((name) => /latin-wght/.test(name)).map((name) => `media/${name}`),
  languages: { en: only('src/app/i18n/en.ts'), de: only('src/app/i18n/de.ts') },
  routes,
};
await writeFile(join(root, 'dist/browser/routes.json'), JSON.stringify(result, null, 1) + '\n');
