// Makes a store refuse rows, as a defect would, until it is mended.
import { execFileSync } from 'node:child_process';

const REASON = 'the e2e test keeps this notice out';

/** Runs statements on the store of notification, on SQLite or on PostgreSQL. */
function run(statements: string): void {
  const url = process.env['SOUK_E2E_NOTIFICATION_STORE'];
  if (!url) throw new Error('SOUK_E2E_NOTIFICATION_STORE is not set: it is the URL of the store of notification (sqlite:PATH or postgres://…)');
  if (url.startsWith('sqlite:')) {
    const script = 'import sqlite3, sys; store = sqlite3.connect(sys.argv[1], timeout=20); store.executescript(sys.argv[2]); store.close()';
    execFileSync('python3', ['-c', script, url.slice('sqlite:'.length), statements], { stdio: 'pipe' });
  } else {
    execFileSync('psql', [url, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', statements], { stdio: 'pipe' });
  }
}

const isSqlite = () => process.env['SOUK_E2E_NOTIFICATION_STORE']?.startsWith('sqlite:');

/** From now on, no notice of the user can be stored: the events that would write one fail. Returns what mends it. */
export function refuseNoticesOf(userId: number): () => void {
  const name = `e2e_refuse_${userId}`;
  if (isSqlite()) {
    run(`CREATE TRIGGER ${name} BEFORE INSERT ON notice WHEN NEW.user_id = ${userId} BEGIN SELECT RAISE(ABORT, '${REASON}'); END;`);
    return () => run(`DROP TRIGGER ${name};`);
  }
  run(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${REASON}' USING ERRCODE = 'check_violation'; END $$;
    CREATE TRIGGER ${name} BEFORE INSERT ON notice FOR EACH ROW WHEN (NEW.user_id = ${userId}) EXECUTE FUNCTION ${name}();`);
  return () => run(`DROP TRIGGER ${name} ON notice; DROP FUNCTION ${name}();`);
}
