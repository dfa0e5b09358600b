/** One thing that is wrong with a manifest. */
export interface Problem {
  /** Where: `spec.ttl`, `spec.dnsNames[0]`; empty for the object as a whole. */
  readonly field: string;
  /** The whole sentence as the API server prints it, the field included. */
  readonly message: string;
  /** What stands there, where that can be shown in a line. */
  readonly value?: string | number | boolean;
}

const escapes: Readonly<Record<string, string>> = {
  '"': String.raw`\"`,
  '\\': String.raw`\\`,
  '\u0007': String.raw`\a`,
  '\b': String.raw`\b`,
  '\f': String.raw`\f`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
  '\v': String.raw`\v`,
};

function escape(character: string): string {
  const known = escapes[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return String.raw`\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x1_00_00
    ? String.raw`\u${code.toString(16).padStart(4, '0')}`
    : String.raw`\U${code.toString(16).padStart(8, '0')}`;
}

/** What stands in a manifest may be of any length; a sentence goes into conditions and logs. */
const shownLengthMax = 512;

/** `text` as Go's %q prints it, which the API server uses: what a terminal would not show is escaped, a long one cut. */
export function quoteAsGo(text: string): string {
  const shown = text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
  return `"${shown.replaceAll(/["\\]|[^\P{C}]|[\p{Z}--[ ]]/gv, escape)}"`;
}

/** `Invalid value`: with the value when it fits into the sentence. */
export function invalid(field: string, detail: string, value?: string | number | boolean): Problem {
  if (value === undefined) return { field, message: `${prefix(field)}Invalid value: ${detail}` };
  const shown = typeof value === 'string' ? quoteAsGo(value) : String(value);
  return { field, message: `${prefix(field)}Invalid value: ${shown}: ${detail}`, value };
}

/** `field: sentence`, or the sentence alone for the object as a whole. */
export function prefix(field: string): string {
  return field === '' ? '' : `${field}: `;
}

/** The path of a member of `field`. */
export function child(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}
