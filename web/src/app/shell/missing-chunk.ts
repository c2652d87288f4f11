const MARK = 'souk.reloaded';

/** After an update of the shop, files that an open page refers to are gone: loads the page again, once. */
export function reloadOnce(error: unknown): void {
  const isMissing = error instanceof TypeError && /import|module|fetch/i.test(error.message);
  if (!isMissing) throw error;
  try {
    const last = Number(sessionStorage.getItem(MARK) ?? 0);
    if (Date.now() - last < 60_000) throw error;
    sessionStorage.setItem(MARK, String(Date.now()));
  } catch {
    throw error;
  }
  location.reload();
}
