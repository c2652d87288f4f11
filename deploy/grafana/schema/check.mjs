#!/usr/bin/env node
// Checks every dashboard against Grafana's own types: an option that Grafana does not have, a value of the wrong type or a
// panel without its data source is an error.
//
//     check.mjs MODULES [FILE...]
//
// MODULES is the folder with the packages of package-lock.json; `make observability-check` installs them below target/.
// Without FILEs, all of ../dashboards are checked.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [modules, ...named] = process.argv.slice(2);
if (!modules) throw new Error('usage: check.mjs MODULES [FILE...]');
const root = resolve(modules);
if (!existsSync(join(root, 'node_modules/@grafana/schema'))) throw new Error(`@grafana/schema is not installed in ${root}`);
const ts = createRequire(join(root, 'package.json'))('typescript');

const folder = join(here, '../dashboards');
const files = named.length ? named.map((file) => resolve(file)) : readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
if (files.length === 0) throw new Error(`there is no dashboard in ${folder}`);

// Sources in memory, beside the packages so that imports find them. JSON itself is imported without literal types, so each
// file becomes a module; everything before its text is on its first line, so that line numbers stay.
const sources = new Map([[join(root, 'dashboard.ts'), readFileSync(join(here, 'dashboard.ts'), 'utf8')]]);
const checked = new Map();
function add(name, file, text) {
  const module = join(root, `${name}.ts`);
  sources.set(module, `import type { ShopDashboard } from './dashboard.ts'; export const dashboard: ShopDashboard = ${text};\n`);
  checked.set(module, file);
}
files.forEach((file, number) => add(`dashboard-${number}`, file, readFileSync(file, 'utf8')));

// Faults that must be found, so that a type which became `any` is noticed.
const faults = {
  'an unknown option': (panel) => (panel.options.noSuchOption = true),
  'a value of the wrong type': (panel) => (panel.gridPos.w = '4'),
  'a panel without the uid of its data source': (panel) => delete panel.datasource.uid,
  'a query with an unknown field': (panel) => (panel.targets[0].query = 'up'),
};
const samples = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
for (const type of new Set(samples.flatMap(({ panels }) => panels.map((panel) => panel.type)).filter((type) => type !== 'row'))) {
  for (const [fault, inject] of Object.entries(faults)) {
    const sample = structuredClone(samples.find(({ panels }) => panels.some((panel) => panel.type === type)));
    sample.panels = sample.panels.filter((panel) => panel.type === type).slice(0, 1);
    inject(sample.panels[0]);
    add(`${type} ${fault}`, undefined, JSON.stringify(sample));
  }
}

const options = {
  strict: true,
  noEmit: true,
  // Of the packages; those of dashboard.ts are reported.
  skipLibCheck: true,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  target: ts.ScriptTarget.ES2022,
  allowImportingTsExtensions: true,
  types: [],
};
const host = ts.createCompilerHost(options);
const { fileExists, getSourceFile, readFile } = host;
host.fileExists = (name) => sources.has(name) || fileExists(name);
host.readFile = (name) => sources.get(name) ?? readFile(name);
host.getSourceFile = (name, ...rest) =>
  sources.has(name) ? ts.createSourceFile(name, sources.get(name), options.target) : getSourceFile(name, ...rest);

const found = ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host));
const unnoticed = [...checked].filter(([module, file]) => !file && !found.some((error) => error.file?.fileName === module));
for (const [module] of unnoticed) console.error(`not found: ${relative(root, module).replace(/\.ts$/, '')}`);
const errors = found.filter(({ file }) => !file || !checked.has(file.fileName) || checked.get(file.fileName));
for (const { file, start, messageText } of errors) {
  const at = file ? `${relative('.', checked.get(file.fileName) ?? file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : '';
  // The last line is the innermost reason.
  console.error(at + ts.flattenDiagnosticMessageText(messageText, '\n').split('\n').at(-1).trim().slice(0, 400));
}
console.log(`${files.length} dashboards against the types of Grafana: ${errors.length} errors; ${checked.size - files.length} faults injected, ${unnoticed.length} not found`);
process.exitCode = errors.length || unnoticed.length ? 1 : 0;
