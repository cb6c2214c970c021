import { type Line, type Order, PRODUCTS, type Product, totalOf } from './catalogue.ts';

/** A piece of HTML whose variable parts have been escaped. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a page: text and numbers are escaped, pieces of HTML are not, `null` is nothing. */
type Part = Html | string | number | null | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(String.raw({ raw: strings }, ...parts.map(written)));
}

function written(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(written).join('');
  return String(part).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** The one style sheet. Every pair of text and ground has a contrast of 4.5 or more (WCAG 2.2 §1.4.3). */
export const STYLE = `
:root { color-scheme: light dark; --ground: light-dark(#fbfaf6, #161a17); --ink: light-dark(#1d2420, #e8ebe5); --soft: light-dark(#4d5a52, #aab5ac); --edge: light-dark(#75827a, #7f8d84); --accent: light-dark(#1f5b3a, #9ed3b3); --on-accent: light-dark(#ffffff, #0d2417); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif; }
header, main { max-width: 46rem; margin-inline: auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; border-bottom: 1px solid var(--edge); }
header strong { margin-right: auto; font-size: 1.25rem; }
h1 { font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 0; font-size: 1.125rem; }
a { color: var(--accent); }
.products { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; padding: 0; list-style: none; }
.products li { padding: 1rem; border: 1px solid var(--edge); border-radius: .4rem; }
.products p { margin: .25rem 0 .75rem; color: var(--soft); }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; color: var(--soft); }
th, td { padding: .5rem .5rem .5rem 0; border-bottom: 1px solid var(--edge); text-align: left; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
label { display: block; margin-top: 1.25rem; font-weight: 600; }
textarea { width: 100%; padding: .6rem; border: 1px solid var(--edge); border-radius: .3rem; background: none; color: inherit; font: inherit; }
button, .button { display: inline-block; padding: .5rem 1rem; border: 1px solid var(--accent); border-radius: .3rem; background: none; color: var(--accent); font: inherit; text-decoration: none; cursor: pointer; }
.main { margin-top: 1.25rem; background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.notice { padding: .75rem 1rem; border-left: .25rem solid var(--accent); }
.address { white-space: pre-line; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

/** Shows what there is to buy. */
export function cataloguePage(notice: string | null): string {
  return page(
    'All our teas',
    notice,
    html`<ul class="products">
${PRODUCTS.map(
  (product) => html`<li>
<h2>${product.name}</h2>
<p>${product.text}</p>
<form method="post" action="/cart">
<input type="hidden" name="sku" value="${product.sku}">
<button>Add to the cart<span class="unseen">: ${product.name}</span>, ${money(product.price)}</button>
</form>
</li>`,
)}
</ul>`,
  );
}

/** Shows what the visitor has chosen, signed in or not. */
export function cartPage(lines: readonly Line[], notice: string | null): string {
  if (lines.length === 0) {
    return page(
      'Your cart',
      notice,
      html`<p>There is nothing in it yet. <a href="/">See all our teas</a></p>`,
    );
  }
  return page(
    'Your cart',
    notice,
    html`${table('What you have chosen', lines, removal)}
<p><a class="button main" href="/checkout">Go to the checkout</a></p>`,
  );
}

/** Asks where to send it. */
export function checkoutPage(lines: readonly Line[], email: string, notice: string | null): string {
  return page(
    'Checkout',
    notice,
    html`<p>You are signed in as <strong>${email}</strong>.</p>
${table('What you order', lines, null)}
<form method="post" action="/orders">
<label for="address">Where shall we send it?</label>
<textarea id="address" name="address" rows="4" required maxlength="500" autocomplete="street-address"></textarea>
<button class="main">Order for ${money(totalOf(lines))}</button>
</form>`,
  );
}

/** Shows an order to whoever made it. */
export function orderPage(order: Order, notice: string | null): string {
  return page(
    'Your order',
    notice,
    html`${table('What you have ordered', order.lines, null)}
<h2>We send it to</h2>
<p class="address">${order.address}</p>`,
  );
}

/** Says what went wrong, without its inside. */
export function problemPage(text: string): string {
  return page('That did not work', null, html`<p>${text}</p><p><a href="/">Back to our teas</a></p>`);
}

function page(title: string, notice: string | null, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Leaf &amp; Latch</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
<strong>Leaf &amp; Latch</strong>
<nav aria-label="Shop"><a href="/">Teas</a> · <a href="/cart">Cart</a> · <a href="/auth/account">Account</a></nav>
</header>
<main>
<h1>${title}</h1>
${notice === null ? null : html`<p class="notice" role="status">${notice}</p>`}
${body}
</main>
</body>
</html>
`.text;
}

function table(caption: string, lines: readonly Line[], action: ((product: Product) => Html) | null): Html {
  const last = action === null ? null : html`<td></td>`;
  return html`<table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Tea</th><th scope="col" class="number">Packets</th><th scope="col" class="number">Price</th>${
    action === null ? null : html`<th scope="col"><span class="unseen">Change</span></th>`
  }</tr></thead>
<tbody>
${lines.map(
  ({
    product,
    count,
  }) => html`<tr><th scope="row">${product.name}</th><td class="number">${count}</td><td class="number">${money(
    product.price * count,
  )}</td>${action === null ? null : html`<td class="number">${action(product)}</td>`}</tr>
`,
)}</tbody>
<tfoot><tr><th scope="row">Together</th><td></td><td class="number">${money(totalOf(lines))}</td>${last}</tr></tfoot>
</table>`;
}

function removal(product: Product): Html {
  return html`<form method="post" action="/cart/remove">
<input type="hidden" name="sku" value="${product.sku}">
<button>Take one out<span class="unseen">: ${product.name}</span></button>
</form>`;
}

function money(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`;
}
