/** One request of an import. */
export interface CsvPart {
  text: string;
  /** Rows in it, without the header. */
  rows: number;
  /** Line of the file at which its first row stands, counted from 1. */
  firstLine: number;
}

/**
 * Cuts a CSV file into parts of about `rowsPerPart` rows, each with the header. A part ends only where the handle
 * changes, since rows of one handle belong to one product.
 */
export function cutCsv(text: string, rowsPerPart = 200): CsvPart[] {
  const records = recordsOf(text.replace(/^\uFEFF/, ''));
  const [header, ...rows] = records;
  if (!header) return [];
  const separator = separatorOf(header.text);
  const column = cellsOf(header.text, separator).findIndex((name) => /^\s*(?:url\s+)?handle\s*$/i.test(name));
  const parts: CsvPart[] = [];
  let current: { text: string; line: number }[] = [];
  let last: string | null = null;
  const close = () => {
    const first = current[0];
    if (first) parts.push({ text: [header.text, ...current.map((row) => row.text)].join('\n') + '\n', rows: current.length, firstLine: first.line });
    current = [];
  };
  for (const row of rows) {
    const handle = column >= 0 ? (cellsOf(row.text, separator)[column] ?? '') : row.text;
    // A row without a handle continues the product above it.
    if (current.length >= rowsPerPart && handle !== last && handle !== '') close();
    current.push(row);
    if (handle !== '') last = handle;
  }
  close();
  return parts;
}

/** Records of a CSV text: a line end inside quotes belongs to its record. */
function recordsOf(text: string): { text: string; line: number }[] {
  const records: { text: string; line: number }[] = [];
  let start = 0;
  let isQuoted = false;
  let line = 1;
  let firstLine = 1;
  for (let i = 0; i <= text.length; i += 1) {
    const char = text[i];
    if (char === '"') isQuoted = !isQuoted;
    if (char === '\n') line += 1;
    if (i === text.length || (char === '\n' && !isQuoted)) {
      const record = text.slice(start, i).replace(/\r$/, '');
      if (record.trim() !== '') records.push({ text: record, line: firstLine });
      start = i + 1;
      firstLine = line;
    }
  }
  return records;
}

function separatorOf(header: string): string {
  return [',', ';', '\t'].reduce((best, mark) => (header.split(mark).length > header.split(best).length ? mark : best), ',');
}

function cellsOf(record: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (const char of record) {
    if (char === '"') isQuoted = !isQuoted;
    else if (char === separator && !isQuoted) {
      cells.push(cell);
      cell = '';
    } else cell += char;
  }
  return [...cells, cell];
}
