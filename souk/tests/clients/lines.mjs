// A line of JSON in, a line of JSON out: `{"do": "act", ..}` is resulted with `{"ok": ..}` or `{"error": ".."}`.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** Loads a client from the folder that scripts/clients.sh created. */
export const require = createRequire(`${process.env.SOUK_TEST_CLIENTS}/package.json`);

/** Runs calls until standard input ends, or the act `stop` is done. */
export async function serve(acts) {
  // Output of the client goes to standard error: standard output has nothing but results.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  for await (const line of createInterface({ input: process.stdin })) {
    const args = JSON.parse(line);
    let result;
    try {
      result = { ok: (await acts[args.do](args)) ?? null };
    } catch (error) {
      result = { error: `${error.name}: ${error.message}` };
    }
    writeSync(1, `${JSON.stringify(result)}\n`);
    if (args.do === 'stop') break;
  }
  process.exit(0);
}
