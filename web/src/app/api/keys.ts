/** Random text for an `Idempotency-Key`, also where `crypto.randomUUID` is missing (plain HTTP). */
export function randomKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Returns the key for `act` with `body`: the same one after a reload, as long as no answer came.
 * Call `answered` when one did, so that the next act gets a key of its own.
 */
export function keyFor(act: string, body: unknown): string {
  const name = `souk.key.${act}`;
  const fingerprint = JSON.stringify(body);
  const kept = read(name);
  if (kept?.fingerprint === fingerprint) return kept.key;
  const key = randomKey();
  write(name, { key, fingerprint });
  return key;
}

export function answered(act: string): void {
  try {
    sessionStorage.removeItem(`souk.key.${act}`);
  } catch {
    // Without storage there is nothing to remove.
  }
}

interface Kept {
  key: string;
  fingerprint: string;
}

function read(name: string): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null') as Kept | null;
  } catch {
    return null;
  }
}

function write(name: string, value: Kept): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A browser without storage: the key lives as long as the page.
  }
}
