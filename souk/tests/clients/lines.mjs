// A line of JSON in, a line of JSON out: `{"do": "act", ..}` is answered with `{"ok": ..}` or `{"error": ".."}`.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** Finds a client in the folder that scripts/clients.sh made. */
export const require = createRequire(`${process.env.SOUK_TEST_CLIENTS}/package.json`);

/** Answers until standard input ends, or the act `stop` is done. */
export async function serve(acts) {
  // Whatever a client prints goes to standard error; answers are alone on standard output.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  for await (const line of createInterface({ input: process.stdin })) {
    const ask = JSON.parse(line);
    let answer;
    try {
      answer = { ok: (await acts[ask.do](ask)) ?? null };
    } catch (error) {
      answer = { error: `${error.name}: ${error.message}` };
    }
    writeSync(1, `${JSON.stringify(answer)}\n`);
    if (ask.do === 'stop') break;
  }
  process.exit(0);
}
