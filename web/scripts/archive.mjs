// Packs dist/browser into web/shop.tar, which the binary embeds. Text files are stored compressed with brotli, as `NAME.br`;
// index.html, routes.json, first-view/* and what is compressed already are stored as they are.
// usage: node scripts/archive.mjs            packs
//        node scripts/archive.mjs --check    fails if the archive does not hold what dist/browser holds
//        node scripts/archive.mjs --current  fails if the archive was made of other sources
import { createHash } from 'node:crypto';
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'shop.tar');
const LIMIT = 2 * 1024 * 1024;
const COMPRESSED = /\.(?:js|css|svg|webmanifest|txt)$/;
const SOURCES = ['package.json', 'package-lock.json', 'angular.json', 'tsconfig.json', 'tsconfig.app.json', 'src', 'public', 'first-view', 'scripts/routes.mjs', 'scripts/archive.mjs'];
const mode = process.argv[2];

if (mode === '--current') {
  const members = read(await readFile(target).catch(() => Buffer.alloc(0)));
  const made = members.get('sources.sha256')?.toString().trim();
  if (made !== (await hashOfSources())) fail('web/shop.tar was made of other sources: run `make web` and commit it.');
} else {
  const files = new Map();
  for (const name of await filesBelow(join(root, 'dist/browser'))) files.set(name, await readFile(join(root, 'dist/browser', name)));
  for (const name of await filesBelow(join(root, 'first-view'))) files.set(`first-view/${name}`, await readFile(join(root, 'first-view', name)));
  files.set('sources.sha256', Buffer.from(`${await hashOfSources()}\n`));
  if (mode === '--check') await check(files);
  else await pack(files);
}

async function pack(files) {
  const parts = [];
  for (const [name, body] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const isText = COMPRESSED.test(name) && name !== 'sources.sha256';
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } };
    const stored = isText ? brotliCompressSync(body, options) : body;
    parts.push(header(isText ? `${name}.br` : name, stored.length), stored, Buffer.alloc((512 - (stored.length % 512)) % 512));
  }
  const archive = Buffer.concat([...parts, Buffer.alloc(1024)]);
  if (archive.length > LIMIT) fail(`web/shop.tar would have ${archive.length} bytes; the limit is ${LIMIT}.`);
  // Whoever interrupts this keeps the archive that there was.
  await writeFile(`${target}.new`, archive);
  await rename(`${target}.new`, target);
  console.log(`web/shop.tar: ${files.size} files, ${archive.length} bytes`);
}

async function check(files) {
  const members = read(await readFile(target));
  // Contents are compared, not bytes: another version of brotli compresses otherwise.
  const names = new Set([...files.keys(), ...members.keys()]);
  const different = [...names].filter((name) => !members.get(name)?.equals(files.get(name) ?? Buffer.alloc(0)));
  if (different.length > 0) fail(`web/shop.tar is stale (${different.slice(0, 5).join(', ')}): run \`make web\` and commit it.`);
}

/** Reads the archive; compressed members appear under their own names. */
function read(archive) {
  const members = new Map();
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const text = (from, length) => archive.subarray(at + from, at + from + length).toString().replace(/\0.*$/s, '');
    const [prefix, name, size] = [text(345, 155), text(0, 100), parseInt(text(124, 12), 8)];
    const body = archive.subarray(at + 512, at + 512 + size);
    const path = prefix ? `${prefix}/${name}` : name;
    members.set(path.replace(/\.br$/, ''), path.endsWith('.br') ? brotliDecompressSync(body) : body);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

/** A header of the USTAR format, without times and owners: the same files make the same archive. */
function header(name, size) {
  const block = Buffer.alloc(512);
  if (Buffer.byteLength(name) > 100) fail(`${name}: the name is too long`);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write(`${'0'.repeat(11)}\0`, 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\0' + '00', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

async function hashOfSources() {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const names = /\.\w+$/.test(source) ? [source] : (await filesBelow(join(root, source))).map((name) => `${source}/${name}`);
    for (const name of names.filter((file) => !file.endsWith('.spec.ts'))) hash.update(`${name}\0`).update(await readFile(join(root, name)));
  }
  return hash.digest('hex');
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
