/** Something that the shop sells. */
export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly text: string;
  /** In cents. */
  readonly price: number;
}

/** So many of a product. */
export interface Line {
  readonly product: Product;
  readonly count: number;
}

/** What somebody has ordered. */
export interface Order {
  readonly id: string;
  /** The user whose order it is: nobody else may read it. */
  readonly ownerId: string;
  readonly address: string;
  readonly lines: readonly Line[];
}

/** All that the shop sells. */
export const PRODUCTS: readonly Product[] = [
  { sku: 'assam', name: 'Assam', text: 'Malty and dark. Stands a drop of milk.', price: 1150 },
  { sku: 'sencha', name: 'Sencha', text: 'Green, steamed, with a smell of cut grass.', price: 1490 },
  {
    sku: 'oolong',
    name: 'Tie Guan Yin',
    text: 'Half way between the two. Good for seven pots.',
    price: 1890,
  },
  { sku: 'mint', name: 'Mint & verbena', text: 'No tea at all, and none the worse for it.', price: 790 },
];

/** Counts what lies in a cart; what is sold no more is left out. */
export function linesOf(cart: readonly string[]): readonly Line[] {
  return PRODUCTS.map((product) => ({
    product,
    count: cart.filter((sku) => sku === product.sku).length,
  })).filter(({ count }) => count > 0);
}

/** The price of all lines, in cents. */
export function totalOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { product, count }) => sum + product.price * count, 0);
}
