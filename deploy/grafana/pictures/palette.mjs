// Rewrites PNG files with a palette of 256 colours, which halves them: palette.mjs MODULES FILE...
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [modules, ...files] = process.argv.slice(2);
const UPNG = createRequire(join(resolve(modules), 'package.json'))('upng-js');
for (const file of files) {
  const image = UPNG.decode(Uint8Array.from(readFileSync(file)).buffer);
  writeFileSync(file, Buffer.from(UPNG.encode([UPNG.toRGBA8(image)[0]], image.width, image.height, 256)));
}
