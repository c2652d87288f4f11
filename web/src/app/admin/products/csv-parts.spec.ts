import { cutCsv } from './csv-parts';

const HEADER = 'Handle,Title,Body';

describe('cutCsv', () => {
  it('cuts only where the handle changes, and says where each part began', () => {
    const parts = cutCsv([HEADER, 'a,A,', 'a,,', 'a,,', 'b,B,', 'c,C,'].join('\n'), 2);
    expect(parts.map((part) => [part.rows, part.firstLine])).toEqual([[3, 2], [2, 5]]);
    expect(parts[1]?.text).toBe(`${HEADER}\nb,B,\nc,C,\n`);
  });

  it('keeps line ends and separators inside quotes', () => {
    const [first, second] = cutCsv(`\uFEFF${HEADER}\r\na,A,"one\ntwo, three"\r\nb,B,x\r\n`, 1);
    expect(first?.text).toBe(`${HEADER}\na,A,"one\ntwo, three"\n`);
    expect(second?.firstLine).toBe(4);
  });

  it('reads semicolons, the newer name of the column, and rows that continue a product', () => {
    const parts = cutCsv(['Title;URL handle', 'A;a', ';', 'B;b'].join('\n'), 1);
    expect(parts.map((part) => part.rows)).toEqual([2, 1]);
  });

  it('finds nothing in an empty file', () => expect(cutCsv('\n\n')).toEqual([]));
});
