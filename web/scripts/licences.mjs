// Checks the licences of every npm package that is locked, and refuses versions that are commercial.
// usage: node scripts/licences.mjs [LOCKFILE...]
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC-BY-3.0', 'CC-BY-4.0', 'CC0-1.0', 'ISC', 'MIT', 'MIT-0', 'MPL-2.0', 'OFL-1.1', 'Python-2.0', 'Unlicense', 'WTFPL']);
/**
 * Packages that do not name their licence: primeng's "see LICENSE.md" is the MIT licence for community versions such as this one,
 * the other's file LICENSE is BSD-3-Clause.
 */
const READ_BY_HAND = new Set(['primeng 21.1.10', 'parse-cache-control 1.0.1']);

/** From these majors on, and as `-lts`, they are commercial. */
const COMMERCIAL = { primeng: 22, '@primeuix/themes': 3, '@primeuix/styled': 1, '@primeuix/styles': 3, primeicons: 8 };

const files = process.argv.slice(2);
const locks = files.length > 0 ? files : [join(root, 'package-lock.json'), join(root, '../e2e/package-lock.json'), join(root, '../e2e/lighthouse/package-lock.json')];
const faults = [];
for (const file of locks) {
  const { packages } = JSON.parse(await readFile(file, 'utf8'));
  for (const [path, entry] of Object.entries(packages)) {
    const name = path.split('node_modules/').at(-1);
    if (!name) continue;
    const major = Number.parseInt(entry.version, 10);
    if (name in COMMERCIAL && (major >= COMMERCIAL[name] || /-lts/.test(entry.version))) faults.push(`${name} ${entry.version} is commercial`);
    if (!isAllowed(entry.license) && !READ_BY_HAND.has(`${name} ${entry.version}`)) faults.push(`${name} ${entry.version}: licence ${entry.license ?? 'unknown'}`);
    if (entry.resolved) faults.push(`${name}: the lock file names the registry ${new URL(entry.resolved).host}`);
  }
  console.log(`${file}: ${Object.keys(packages).length - 1} packages`);
}
for (const fault of faults) console.error(fault);
process.exit(faults.length > 0 ? 1 : 0);

/** `(MIT OR Apache-2.0)` needs one allowed licence, `MIT AND ISC` both. */
function isAllowed(licence) {
  if (!licence) return false;
  return licence
    .replace(/[()]/g, '')
    .split(/\s+OR\s+/)
    .some((choice) => choice.split(/\s+AND\s+/).every((name) => ALLOWED.has(name)));
}
