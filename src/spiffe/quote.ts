const shownLengthMax = 128;

/** Shortens untrusted text so that it fits into a message or a log line. */
export function shorten(text: string): string {
  return text.length <= shownLengthMax ? text : `${text.slice(0, shownLengthMax)}… (${text.length} characters)`;
}

/** Untrusted text in quotes for a message: shortened, with control characters and quotes escaped. */
export function quote(text: string): string {
  // JSON leaves C1 controls, bidirectional overrides and line separators alone; a terminal does not.
  return JSON.stringify(shorten(text)).replaceAll(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
