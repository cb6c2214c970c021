/** The part of the style sheet that only the API reference needs. */
export const REFERENCE_STYLE = `
.version { color: var(--soft); font-size: 1rem; font-weight: 400; letter-spacing: 0; }
.prose { display: grid; gap: 0.6rem; max-width: 44rem; }
.reference { display: grid; gap: 2rem 3rem; }
.contents > ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
.contents a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
.contents ul ul { display: none; }
.group { display: grid; gap: 0.75rem; margin-bottom: 2.5rem; }
.group h2 { scroll-margin-top: 1.5rem; }
.operation > summary { position: relative; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; padding: 0.9rem 2.75rem 0.9rem 1.15rem; border-radius: 15px; }
.operation > summary:hover { background: var(--sunk); }
.operation > summary:focus-visible { border-radius: 15px; outline-offset: 2px; }
.operation > summary::-webkit-details-marker { display: none; }
.operation > summary::after { content: ""; position: absolute; right: 1.4rem; top: calc(50% - 0.4rem); width: 0.55rem; height: 0.55rem; border: solid var(--soft); border-width: 0 2px 2px 0; transform: rotate(45deg); }
.operation[open] > summary::after { transform: rotate(-135deg); top: calc(50% - 0.15rem); }
.operation h3 { display: flex; align-items: baseline; gap: 0.75rem; font-size: 1rem; letter-spacing: 0; }
.operation-body { display: grid; gap: 1rem; padding: 0.4rem 1.15rem 1.4rem; scroll-margin-top: 5rem; border-top: 1px solid var(--line); padding-top: 1.1rem; }
summary { cursor: pointer; }
.method { flex: none; padding: 0.1rem 0.45rem; border: 1px solid transparent; border-radius: 6px; background: var(--sunk); color: var(--soft); font-size: 0.74rem; font-weight: 700; letter-spacing: 0.03em; line-height: 1.6; }
.method.post { background: var(--done-ground); color: var(--done-ink); }
.method.put, .method.patch { background: var(--brass-ground); color: var(--brass-ink); }
.method.delete { background: var(--problem-ground); color: var(--problem-ink); }
.fields { display: grid; border-top: 1px solid var(--line); }
.fields > div { display: grid; gap: 0.1rem 1.25rem; padding-block: 0.65rem; border-bottom: 1px solid var(--line); }
.fields dt { font-weight: 600; }
.fields dd { display: grid; gap: 0.3rem; }
.fields .fields { margin-top: 0.4rem; padding-left: 1rem; border-top: 0; border-left: 2px solid var(--line); }
.fields .fields > div:last-child { border-bottom: 0; }
.type { color: var(--soft); font-size: 0.92rem; }
.required { color: var(--brass-ink); font-weight: 600; }
.media { font-size: 0.92rem; }
.credentials { display: grid; gap: 0.35rem; }
.responses { display: grid; gap: 0.6rem; }
.response details > summary { display: inline-block; padding-block: 0.5rem; color: var(--link); text-decoration: underline 1px; text-underline-offset: 0.2em; }
details > .media { margin-block: 0.25rem 0.5rem; }
.code { display: inline-block; min-width: 2.9rem; padding: 0.05rem 0.4rem; border: 1px solid transparent; border-radius: 6px; background: var(--sunk); color: var(--soft); font-size: 0.87rem; font-weight: 650; text-align: center; }
.code.c2 { background: var(--done-ground); color: var(--done-ink); }
.code.c4, .code.c5 { background: var(--problem-ground); color: var(--problem-ink); }
@media (min-width: 64rem) {
  .reference { grid-template-columns: 17rem minmax(0, 1fr); }
  .contents { position: sticky; top: 1.5rem; align-self: start; max-height: calc(100vh - 3rem); overflow-y: auto; font-size: 0.92rem; }
  .contents > ul { display: grid; gap: 1rem; }
  .contents > ul > li > a { min-height: 0; color: var(--ink); font-weight: 650; text-decoration: none; }
  .contents ul ul { display: grid; }
  .contents ul ul a { display: flex; align-items: baseline; gap: 0.5rem; min-height: 1.9rem; text-decoration: none; }
  .contents a:hover { text-decoration: underline; }
  .fields > div { grid-template-columns: 11rem minmax(0, 1fr); }
  .fields .fields > div { grid-template-columns: 1fr; }
}
`;
