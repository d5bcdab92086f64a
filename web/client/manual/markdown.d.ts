/** What `manual` of web/manual.ts makes of a document. */
declare module '*.md' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-imports -- an ambient module may import in no other way
  export const page: import('./page.ts').ManualPage;
}
