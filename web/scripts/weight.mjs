// Sums what a first visit loads, compressed with brotli: scripts, styles, the font and the texts of one language.
// usage: node scripts/weight.mjs      fails above the limit
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const LIMIT = 180_000;
const PAGES = ['/', '/c/:slug', '/products/:slug'];
const root = join(dirname(fileURLToPath(import.meta.url)), '../dist/browser');
const { main, styles, fonts, languages, routes } = JSON.parse(await readFile(join(root, 'routes.json'), 'utf8'));

async function weightOf(name) {
  const body = await readFile(join(root, name));
  return name.endsWith('.woff2') ? body.length : brotliCompressSync(body).length;
}

let isTooHeavy = false;
for (const path of PAGES) {
  const { files } = routes.find((route) => route.path === path);
  const names = [...new Set(['index.html', ...main, ...styles, ...fonts, ...languages.de, ...files])];
  const sum = (await Promise.all(names.map(weightOf))).reduce((total, weight) => total + weight, 0);
  console.log(`${path.padEnd(18)} ${(sum / 1000).toFixed(1)} kB in ${names.length} files`);
  isTooHeavy ||= sum > LIMIT;
}
if (isTooHeavy) {
  console.error(`more than ${LIMIT / 1000} kB`);
  process.exit(1);
}
