import { ADMIN } from '../../testing/page';
import { NOW, page } from '../../testing/samples';
import { describeStates } from '../../testing/states';
import { StockMovements } from './stock-movements';

const moves = [{ at: NOW, kind: 'adjustment', quantity: -2, reason: 'broken' }, { at: NOW, kind: 'reserve', quantity: 1, orderId: 42 }, { at: NOW, kind: 'sell', quantity: 12_345, isSum: true }, { at: NOW, kind: 'initial', quantity: 9 }];

describeStates('stock movements', {
  page: StockMovements,
  user: ADMIN,
  inputs: { productId: 11, stock: 3 },
  headings: 0,
  reads: /movements/,
  empty: { backend: [[/movements/, { body: page([]) }]], says: 'No movements yet' },
  data: { backend: [[/movements/, { body: page(moves) }]], says: ['Adjusted', 'broken', 'Reserved', 'Order 42', 'Sum of all older ones', 'Start'] },
});
